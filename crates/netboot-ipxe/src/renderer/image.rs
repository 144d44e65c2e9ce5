//! The script that starts one image.

use std::borrow::Cow;

use ipxe_script::SignedPrograms;
use ipxe_script::commands::ARGUMENT_LIMIT;
use netboot_core::{Artifact, COMMAND_LINE_LIMIT, FileName, Image, Sha256Digest};
use serde::Serialize;
use tera::Context;

use crate::closure_arguments::{self, ClosureArguments};
use crate::dispatch::assignment::Assignment;
use crate::error::Error;
use crate::renderer::Renderer;
use crate::renderer::payload::PayloadUrls;
use crate::script_argument::ScriptArgument;
use crate::script_url::ScriptUrl;
use crate::template::name::TemplateName;

/// The largest number of words after the URL of a `kernel` command.
const WORD_LIMIT: usize = ARGUMENT_LIMIT - 1;

/// The name of the initrd of one machine, for iPXE and for the kernel.
const OVERLAY_NAME: &str = "machine-overlay";

/// A file for a template.
#[derive(Serialize)]
struct Payload<'a> {
    name: Cow<'a, str>,
    url: ScriptUrl,
    sha256: Sha256Digest,
    signature_url: Option<ScriptUrl>,
}

/// The data of a script besides the image.
#[derive(Clone, Copy, Default)]
struct Extent<'a> {
    /// True if the script uses the settings of the machine.
    machine_parameters: bool,
    machine_overlays: bool,
    /// The one machine that the script is for.
    machine: Option<&'a Assignment>,
}

impl Renderer {
    /// Renders the script that starts `image` from its place in a release. Its files are named by
    /// digest, relative to `releases/<id>/<profile>/netboot.ipxe`.
    ///
    /// # Errors
    /// The errors of [`render_release`](Self::render_release).
    pub fn render_image(&self, image: &Image) -> Result<String, Error> {
        let extent = Extent {
            machine_parameters: self.machine_parameters(),
            machine_overlays: self.machine_overlays(),
            machine: None,
        };
        self.render_payload(image, &self.payload_urls(3), extent)
    }

    /// Renders the script that starts `image` from a directory with the script and the files under
    /// their own names. The name of a signature is the name of its file with `.sig` added. The
    /// files of a closure are in the subdirectory `blobs`, named by digest.
    ///
    /// # Errors
    /// The errors of [`render_release`](Self::render_release).
    pub fn render_standalone(&self, image: &Image) -> Result<String, Error> {
        self.render_payload(image, &PayloadUrls::Neighbours, Extent::default())
    }

    /// Renders the script that starts `image` on one machine, with the kernel parameters and the
    /// overlay of its assignment. This is for a service that answers machines itself.
    ///
    /// The payloads have absolute URLs below [`payload_url`](crate::RendererBuilder::payload_url).
    /// Without it, their URLs are relative to a script `directories` levels below the root of a
    /// target.
    ///
    /// The script does not look for a token, because the service knows it.
    ///
    /// # Errors
    /// The errors of [`render_release`](Self::render_release).
    pub fn render_machine(
        &self,
        image: &Image,
        assignment: &Assignment,
        directories: usize,
    ) -> Result<String, Error> {
        let extent = Extent { machine: Some(assignment), ..Extent::default() };
        self.render_payload(image, &self.payload_urls(directories), extent)
    }

    fn render_payload(
        &self,
        image: &Image,
        urls: &PayloadUrls,
        extent: Extent<'_>,
    ) -> Result<String, Error> {
        let overlay = extent.machine.and_then(Assignment::overlay);
        let is_overlay =
            |file: &&std::sync::Arc<dyn Artifact>| file.file_name().as_str() == OVERLAY_NAME;
        if let Some(file) = image.boot_files().find(is_overlay) {
            let name = file.file_name().to_string();
            return Err(netboot_core::Error::Duplicate { name }.into());
        }
        let uki = self.started_uki(image)?;
        let initrds = if uki.is_some() { &[][..] } else { image.initrds() }.iter();
        let initrds = initrds.map(|initrd| self.payload(initrd.as_ref(), initrd.file_name(), urls));
        let mut initrds = initrds.collect::<Result<Vec<_>, Error>>()?;
        if let Some(overlay) = overlay {
            let payload = self.payload(overlay.as_ref(), overlay.file_name(), urls)?;
            initrds.push(Payload { name: Cow::Borrowed(OVERLAY_NAME), ..payload });
        }
        let kernel = uki.unwrap_or_else(|| image.kernel());
        let kernel = self.payload(kernel.as_ref(), kernel.file_name(), urls)?;
        let shim = match self.started_shim(image) {
            Some(shim) => Some(self.shim_payload(shim.as_ref(), urls)?),
            None => None,
        };
        let signed = SignedPrograms::new().with_uki(kernel.url.as_str());
        let signed = shim.iter().fold(signed, |all, shim| all.with_program(shim.url.as_str()));
        let mut values = Context::new();
        values.insert("profile", image.profile());
        values.insert("kernel", &kernel);
        values.insert("shim", &shim);
        values.insert("initrds", &initrds);
        values.insert("arguments", &self.arguments(image, extent.machine, urls)?);
        values.insert("attempts", &self.settings.attempts);
        values.insert("check_digests", &self.settings.check_digests);
        values.insert("check_signatures", &self.settings.signatures.is_some());
        values.insert("machine", &extent.machine.map(Assignment::name));
        values.insert("machine_parameters", &extent.machine_parameters);
        values.insert("machine_overlays", &extent.machine_overlays);
        values.insert("overlay_name", OVERLAY_NAME);
        values.insert("blobs_url", &urls.blobs());
        if let Some(url) = extent.machine.and_then(Assignment::report_url) {
            values.insert("report_url", url);
        }
        match uki {
            Some(_) => self.templates.render_for_secure_boot(TemplateName::Image, values, signed),
            None => self.templates.render(TemplateName::Image, values),
        }
    }

    /// A shim, under the name that iPXE gives it: the last part of its URL.
    fn shim_payload<'a>(
        &self,
        shim: &'a dyn Artifact,
        urls: &PayloadUrls,
    ) -> Result<Payload<'a>, Error> {
        let payload = self.payload(shim, shim.file_name(), urls)?;
        let name = payload.url.as_str().rsplit('/').next().unwrap_or_default().to_owned();
        Ok(Payload { name: Cow::Owned(name), ..payload })
    }

    fn payload<'a>(
        &self,
        artifact: &dyn Artifact,
        name: &'a FileName,
        urls: &PayloadUrls,
    ) -> Result<Payload<'a>, Error> {
        let signature = self.signature(artifact)?;
        Ok(Payload {
            name: Cow::Borrowed(name.as_str()),
            url: urls.of(artifact),
            sha256: artifact.sha256(),
            signature_url: signature.map(|signature| urls.of_signature(artifact, signature)),
        })
    }

    /// The URLs of payloads, from a script `directories` levels below the root of the target.
    pub(super) fn payload_urls(&self, directories: usize) -> PayloadUrls {
        match &self.settings.payload_url {
            Some(url) => PayloadUrls::Absolute(url.clone()),
            None => PayloadUrls::Relative(directories),
        }
    }

    /// The command line of the kernel: `init=`, `initrd=` for each initrd, and then the parameters
    /// of the image, the site and the machine. The parameters of a closure are around these. A UKI
    /// has its command line inside, so it gets nothing.
    pub(super) fn arguments(
        &self,
        image: &Image,
        machine: Option<&Assignment>,
        urls: &PayloadUrls,
    ) -> Result<Vec<ScriptArgument>, Error> {
        if self.started_uki(image)?.is_some() {
            machine.map_or(Ok(()), |assignment| self.require_no_additions(assignment))?;
            return Ok(Vec::new());
        }
        let command_line = image.boot().command_line()?;
        let mut callers: Vec<ScriptArgument> =
            command_line.parameters().map(ScriptArgument::new).collect::<Result<_, _>>()?;
        let mut arguments: Vec<ScriptArgument> = callers.drain(..1).collect();
        let initrds = image.initrds().iter();
        arguments.extend(initrds.map(|initrd| ScriptArgument::initrd(initrd.file_name())));
        for parameter in &self.settings.kernel_parameters {
            callers.push(ScriptArgument::try_from(parameter)?);
        }
        if let Some(assignment) = machine {
            callers.extend(machine_arguments(assignment)?);
        }
        if let Some(closure) = image.closure() {
            let texts: Vec<&str> = callers.iter().map(ScriptArgument::as_str).collect();
            let sources = self.closure_sources(urls);
            if sources.is_empty() && !texts.iter().any(|text| closure_arguments::is_source(text)) {
                return Err(self.no_closure_source(image, urls));
            }
            let index = closure.index.sha256();
            let card = ScriptArgument::boot_card();
            let of_closure = ClosureArguments::new(&index, Some(card), sources, texts)?;
            arguments.extend(of_closure.first);
            arguments.append(&mut callers);
            arguments.extend(of_closure.last);
        } else {
            arguments.extend(self.settings.boot_card.then(ScriptArgument::boot_card));
            arguments.append(&mut callers);
        }

        let profile = image.profile();
        let words = arguments.iter().map(ScriptArgument::words).sum();
        // One word expands to all parameters of a machine.
        let limit = WORD_LIMIT - usize::from(self.machine_parameters());
        if words > limit {
            let profile = profile.clone();
            return Err(Error::TooManyArguments { profile, words, limit });
        }
        let length = command_line_length(image, &arguments);
        if length > COMMAND_LINE_LIMIT {
            let (profile, limit) = (profile.clone(), COMMAND_LINE_LIMIT);
            return Err(Error::CommandLineTooLong { profile, length, limit });
        }
        Ok(arguments)
    }
}

/// The greatest length of a command line in bytes, including the kernel's name before it.
pub(super) fn command_line_length(image: &Image, arguments: &[ScriptArgument]) -> usize {
    image.kernel().file_name().as_str().len() + added_length(arguments)
}

/// The greatest number of bytes that arguments add to a command line.
pub(super) fn added_length(arguments: &[ScriptArgument]) -> usize {
    arguments.iter().map(|argument| 1 + argument.greatest_length()).sum()
}

/// The parameters that a machine adds to the command line.
pub(super) fn machine_arguments(assignment: &Assignment) -> Result<Vec<ScriptArgument>, Error> {
    let overlay = assignment.overlay().map(|_| ScriptArgument::overlay(OVERLAY_NAME));
    let parameters = assignment.parameters().iter().map(ScriptArgument::try_from);
    overlay.map(Ok).into_iter().chain(parameters).collect()
}
