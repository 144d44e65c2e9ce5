//! `netboot publish`: existing images become a release.

use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use clap::Args;
use netboot_core::{
    Architecture, ArtifactKind, Builder, Context, DocumentKind, Event, FileArtifact, FileName,
    Image, PrebuiltBuilder, PrebuiltImage, Profile, ProfileName, ProfileSpec, Report,
};
use netboot_sbom::with_documents;
use serde_json::Map;

use crate::answer::Answer;
use crate::document_options::DocumentOptions;
use crate::error::Error;
use crate::failure::Cancelled;
use crate::known_profiles::KnownProfiles;
use crate::misuse::Misuse;
use crate::publication::{Publication, answer};
use crate::publication_options::PublicationOptions;
use crate::published_target::until_cancelled;
use crate::session::Session;
use crate::uki_options::{UkiOptions, Ukis, with_found_uki};

/// Publish existing kernels and initrds, without Nix.
#[derive(Debug, Args)]
#[command(after_long_help = PUBLISH_HELP)]
pub(crate) struct Arguments {
    /// A directory with a kernel, an initrd, and either `init` and `kernel-params` or
    /// `netboot.ipxe`: a folder that `netboot build` wrote, a release of nixos-images, or the
    /// `netboot` directory of a Hydra job.
    #[arg(required = true, value_name = "IMAGE-DIR")]
    images: Vec<PathBuf>,

    /// The name of an image's profile, in the order of the directories. The default is the name of
    /// the directory.
    #[arg(long = "profile", value_name = "NAME")]
    profiles: Vec<ProfileName>,

    /// The architecture of the machines that boot the images, such as `x86_64` or `aarch64`. The
    /// default is that of the profile in netboot.toml, or else that of the image's kernel.
    #[arg(long, value_name = "NAME")]
    architecture: Option<Architecture>,

    /// A target to publish to: a directory, `s3://BUCKET/PREFIX`, `oci://HOST/REPOSITORY`,
    /// `USER@HOST:/PATH`, `rsync://HOST/MODULE/PATH`, or a name from netboot.toml. Can be repeated.
    #[arg(long = "to", value_name = "TARGET", required = true)]
    targets: Vec<String>,

    #[command(flatten)]
    ukis: UkiOptions,

    #[command(flatten)]
    documents: DocumentOptions,

    #[command(flatten)]
    publication: PublicationOptions,
}

const PUBLISH_HELP: &str = "\
The other profiles of the live release stay live. A UKI in an image's directory, `PROFILE.efi`, is
checked and published with the image, as it is.

Standard output has the id of the release; with several targets, a line `ID TARGET` for each.

With --json:
  targets  the targets, in the order of the command line. Each has:
    target         the target, as it was written
    outcome        live; failed; with --stage staged; or with --all-or-none also staged,
                   rolled-back or not-rolled-back
    release        the id of the release, or null if it failed
    previous       the release that was live before, or null
    changed        false if the release was live already, or null
    sent_bytes     the size of the files that were sent, or null
    present_bytes  the size of the files that were there already, or null
    order_guarded  false if another publisher could have been overtaken unnoticed, or null
    without        the features that the target lacks, such as `lock`, or null
    proofs         with --prove, the images: objects with profile, came_up and summary; or null
    error          the failure, as a command that failed has it, or null
  error    if a target failed: the first failure";

impl Arguments {
    /// Publishes the images, and tells the release at each target.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        let result = until_cancelled(session, Box::pin(self.publish(session))).await;
        match result {
            Err(_) if session.context.check().is_err() => {
                Err(Cancelled::report("nothing was published"))
            }
            Err(report) => Err(report),
            // The directory of new UKIs stays until they are sent.
            Ok((publication, images, _ukis)) => {
                let published = Box::pin(publication.publish(&images, &session.context)).await?;
                answer(session, &published, Map::new())
            }
        }
    }

    /// Does everything that comes before the first change at a target.
    async fn publish(&self, session: &Session) -> Result<(Publication, Vec<Image>, Ukis), Report> {
        let ukis = self.ukis.read(session)?;
        let known = KnownProfiles::of(session.configuration()?, None).await?;
        let mut builder = PrebuiltBuilder::new();
        let mut profiles: Vec<ProfileSpec> = Vec::new();
        for (name, directory) in self.names()?.into_iter().zip(&self.images) {
            if profiles.iter().any(|there| *there.name() == name) {
                return Err(Misuse::report(
                    format!("two directories are for the profile `{name}`"),
                    "name the profile of each directory, in the order of the directories: \
                     `--profile NAME`",
                ));
            }
            let image = PrebuiltImage::directory(directory);
            let mut profile = known.describe(&name);
            let architecture = match self.architecture.or(known.architecture_of(&name)) {
                None => image.find_architecture().await,
                said => said,
            };
            if let Some(architecture) = architecture {
                profile = profile.with_architecture(architecture);
            }
            let Ok(more) = builder.with_image(name, image);
            builder = more;
            profiles.push(profile);
        }
        let mut publication = self.publication.open(session, &self.targets).await?;
        let destinations = publication.open_destinations().iter();
        for target in destinations.filter_map(|it| it.target.directory()) {
            self.require_apart(target)?;
        }
        let names: Vec<&dyn Profile> = profiles.iter().map(|one| one as &dyn Profile).collect();
        let mut images = Vec::new();
        let reading = reading(&session.context);
        let kinds = self.documents.kinds(session)?;
        let urls = self.publication.closure_urls(session, None)?;
        for (profile, directory) in names.iter().zip(&self.images) {
            let image = builder.build(*profile, &reading).await;
            let image = image.map_err(|error| of_image(error, directory))?;
            let image = with_found_uki(image, directory, &reading).await?;
            let image = ukis.give(image, &urls, &reading).await?;
            let image = documented(image, directory, &kinds, &reading).await?;
            let size = ByteSize::b(image.fetched_size()).display().iec();
            session.progress.line(&format!("{}: ready to publish, {size}", image.profile()));
            images.push(image);
        }
        // This writes to the targets, so it comes last.
        publication.rehearse(&names, session).await?;
        Ok((publication, images, ukis))
    }

    /// Refuses a target whose files would replace those of an image.
    fn require_apart(&self, target: &Path) -> Result<(), Report> {
        let Ok(target) = target.canonicalize() else { return Ok(()) };
        let images = self.images.iter().filter_map(|image| image.canonicalize().ok());
        for image in images {
            if image == target || image.parent() == Some(&target) {
                return Err(Misuse::report(
                    format!("the image `{}` is in the target", image.display()),
                    "publish to another directory, such as `pxe` beside the image's, so that their \
                     files do not mix",
                ));
            }
        }
        Ok(())
    }

    /// The names of the profiles, in the order of the directories.
    fn names(&self) -> Result<Vec<ProfileName>, Report> {
        if self.profiles.len() > self.images.len() {
            return Err(Misuse::report(
                "there are more profiles than directories",
                "give one directory for each `--profile`",
            ));
        }
        let given = self.profiles.iter().cloned().map(Some).chain(std::iter::repeat(None));
        let name = |(directory, given): (&PathBuf, Option<ProfileName>)| match given {
            Some(name) => Ok(name),
            None => name_of(directory),
        };
        self.images.iter().zip(given).map(name).collect()
    }
}

/// Gives an image the documents that a build wrote into its folder, and those of `kinds` that are
/// not there.
async fn documented(
    image: Image,
    directory: &Path,
    kinds: &[DocumentKind],
    context: &Context,
) -> Result<Image, Report> {
    let mut image = image;
    for kind in DocumentKind::ALL {
        let path = directory.join(kind.file_name());
        if path.is_file() {
            let name = FileName::new(kind.file_name())?;
            let document = FileArtifact::open(ArtifactKind::Document, name, path, context).await?;
            image = image.with_document(kind, document)?;
        }
    }
    let missing = kinds.iter().filter(|kind| !image.documents().contains_key(kind));
    let missing: Vec<DocumentKind> = missing.copied().collect();
    Ok(with_documents(image, &missing)?)
}

/// A context without the events of a build that ended: existing images are only read.
fn reading(context: &Context) -> Context {
    let parent = context.clone();
    context.clone().with_events(move |event| {
        if !matches!(event, Event::ProfileFinished { .. }) {
            parent.emit(event);
        }
    })
}

/// The failure of an existing image, which nobody built.
fn of_image(error: netboot_core::Error, directory: &Path) -> Report {
    match error {
        netboot_core::Error::Build { advice, source, .. } => {
            Error::Image { path: directory.to_owned(), hint: advice.hint, source }.into()
        }
        error => error.into(),
    }
}

/// The profile that the name of a directory says.
fn name_of(directory: &Path) -> Result<ProfileName, Report> {
    let found = directory
        .canonicalize()
        .map_err(|error| netboot_core::Error::io("find", directory, error))?;
    let name = found.file_name().and_then(|name| ProfileName::new(name.to_str()?).ok());
    name.ok_or_else(|| {
        Misuse::report(
            format!("the name of `{}` is not the name of a profile", directory.display()),
            "name the profile: `--profile NAME`",
        )
    })
}
