//! The files and parameters of a machine, for any server.

use ipxe_script::commands::ARGUMENT_LIMIT;
use netboot_core::{
    Artifact, COMMAND_LINE_LIMIT, ImageManifest, KernelParameter, Manifest, ProfileName,
    Sha256Digest,
};

use crate::closure_arguments::{self, ClosureArguments};
use crate::dispatch::assignment::Assignment;
use crate::error::Error;
use crate::interchange::payload_base::PayloadBase;
use crate::interchange::problem::InterchangeProblem;
use crate::script_argument::ScriptArgument;

/// The image of a profile, with the additions of an assignment.
pub(super) struct Payload<'a> {
    server: &'static str,
    profile: &'a ProfileName,
    pub(super) image: &'a ImageManifest,
    assignment: Option<&'a Assignment>,
}

impl<'a> Payload<'a> {
    /// Finds the image of `profile` in a release, and adds `assignment`.
    pub(super) fn new(
        server: &'static str,
        manifest: &'a Manifest,
        profile: &'a ProfileName,
        assignment: Option<&'a Assignment>,
    ) -> Result<Self, Error> {
        let wanted_by = || match assignment {
            Some(assignment) => format!("the machine {}", assignment.name()),
            None => "the policy for unknown machines".to_owned(),
        };
        let images = manifest.images();
        let Some(image) = images.get(profile) else {
            let (profile, known) = (profile.clone(), images.keys().cloned().collect());
            return Err(Error::UnknownProfile { wanted_by: wanted_by(), profile, known });
        };
        if let Some(assignment) = assignment {
            let refused = |problem| {
                let subject = format!("the machine {}", assignment.name());
                Err(Error::NotInterchangeable { server, subject, problem })
            };
            if assignment.boot_once().is_some() {
                return refused(InterchangeProblem::BootOnce);
            }
            let published = |digest| manifest.blobs().contains_key(&digest);
            if assignment.overlay().is_some_and(|overlay| !published(overlay.sha256())) {
                return refused(InterchangeProblem::OverlayNotPublished);
            }
        }
        Ok(Self { server, profile, image, assignment })
    }

    /// The initrds in order, with the machine's own initrd last.
    pub(super) fn initrds(&self) -> Vec<Sha256Digest> {
        let overlay = self.assignment.and_then(Assignment::overlay);
        let initrds = self.image.initrds.iter().map(|initrd| initrd.sha256);
        initrds.chain(overlay.map(Artifact::sha256)).collect()
    }

    /// The kernel parameters in order: `init=`, the parameters `initrds`, and the others.
    /// `image_name` comes before them on the command line. `card` is the parameter `BOOTIF`, which
    /// only an image with a closure gets. It fetches the closure from `base`.
    pub(super) fn parameters(
        &self,
        image_name: &str,
        initrds: impl IntoIterator<Item = String>,
        card: ScriptArgument,
        base: &PayloadBase,
    ) -> Result<Vec<String>, Error> {
        let command_line = self.image.boot.command_line()?;
        let own = self.assignment.map(Assignment::parameters).unwrap_or_default();
        let own = own.iter().map(KernelParameter::as_str);
        let mut callers: Vec<&str> = command_line.parameters().chain(own).collect();
        let init = callers.remove(0);

        let arguments = |texts: Vec<String>| texts.into_iter().map(ScriptArgument::new);
        let leading = std::iter::once(init.to_owned()).chain(initrds).collect();
        let mut all: Vec<ScriptArgument> = arguments(leading).collect::<Result<_, _>>()?;
        let typed = callers.iter().map(|parameter| (*parameter).to_owned()).collect();
        let mut typed = arguments(typed).collect::<Result<_, _>>()?;
        if let Some(closure) = &self.image.closure {
            let source = base.closure_source();
            if source.is_none() && !callers.iter().any(|one| closure_arguments::is_source(one)) {
                let (server, subject) = (self.server, format!("the profile {}", self.profile));
                let problem = InterchangeProblem::NoClosureSource;
                return Err(Error::NotInterchangeable { server, subject, problem });
            }
            let index = &closure.index.sha256;
            let of_closure = ClosureArguments::new(index, Some(card), source, callers)?;
            all.extend(of_closure.first);
            all.append(&mut typed);
            all.extend(of_closure.last);
        } else {
            all.append(&mut typed);
        }

        let words = all.iter().map(ScriptArgument::words).sum::<usize>() + 1;
        if words > ARGUMENT_LIMIT {
            let (profile, limit) = (self.profile.clone(), ARGUMENT_LIMIT);
            return Err(Error::TooManyArguments { profile, words, limit });
        }
        let length = all.iter().map(|argument| 1 + argument.greatest_length()).sum::<usize>();
        let length = image_name.len() + length;
        if length > COMMAND_LINE_LIMIT {
            let (profile, limit) = (self.profile.clone(), COMMAND_LINE_LIMIT);
            return Err(Error::CommandLineTooLong { profile, length, limit });
        }
        Ok(all.iter().map(ToString::to_string).collect())
    }
}
