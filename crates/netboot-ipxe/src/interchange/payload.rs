//! The files and parameters of a machine, for any server.

use ipxe_script::commands::ARGUMENT_LIMIT;
use netboot_core::{COMMAND_LINE_LIMIT, ImageManifest, Manifest, ProfileName, Sha256Digest};

use crate::dispatch::assignment::Assignment;
use crate::error::Error;
use crate::interchange::problem::InterchangeProblem;
use crate::script_argument::ScriptArgument;

/// The image of a profile, with the additions of an assignment.
pub(super) struct Payload<'a> {
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
        Ok(Self { profile, image, assignment })
    }

    /// The initrds in order, with the machine's own initrd last.
    pub(super) fn initrds(&self) -> Vec<Sha256Digest> {
        let overlay = self.assignment.and_then(Assignment::overlay);
        let initrds = self.image.initrds.iter().map(|initrd| initrd.sha256);
        initrds.chain(overlay.map(|overlay| overlay.sha256())).collect()
    }

    /// The kernel parameters in order: `init=`, the parameters `initrds`, and the others.
    /// `image_name` comes before them on the command line.
    pub(super) fn parameters(
        &self,
        image_name: &str,
        initrds: impl IntoIterator<Item = String>,
    ) -> Result<Vec<String>, Error> {
        let command_line = self.image.boot.command_line()?;
        let mut parameters: Vec<String> = command_line.parameters().map(str::to_owned).collect();
        parameters.splice(1..1, initrds);
        let own = self.assignment.map(Assignment::parameters).unwrap_or_default();
        parameters.extend(own.iter().map(|parameter| parameter.as_str().to_owned()));

        let arguments: Vec<ScriptArgument> =
            parameters.iter().map(ScriptArgument::new).collect::<Result<_, _>>()?;
        let words = arguments.iter().map(ScriptArgument::words).sum::<usize>() + 1;
        if words > ARGUMENT_LIMIT {
            let (profile, limit) = (self.profile.clone(), ARGUMENT_LIMIT);
            return Err(Error::TooManyArguments { profile, words, limit });
        }
        let length = parameters.iter().map(|parameter| 1 + parameter.len()).sum::<usize>();
        let length = image_name.len() + length;
        if length > COMMAND_LINE_LIMIT {
            let (profile, limit) = (self.profile.clone(), COMMAND_LINE_LIMIT);
            return Err(Error::CommandLineTooLong { profile, length, limit });
        }
        Ok(parameters)
    }
}
