//! Images from existing files, such as the result of a CI, a release of nixos-images, or the
//! `netboot` directory of a Hydra job.

mod closure;
mod file_names;
mod image;
mod parts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

pub use self::image::PrebuiltImage;
use crate::artifact::Artifact;
use crate::artifact_kind::ArtifactKind;
use crate::blocking::blocking;
use crate::boot_spec::BootSpec;
use crate::builder::Builder;
use crate::context::Context;
use crate::counted::counted;
use crate::digest::Sha256Digest;
use crate::error::Error;
use crate::event::{Event, Phase};
use crate::file_artifact::FileArtifact;
use crate::image::Image;
use crate::inspect::filter_check::check_xz_filters;
use crate::inspect::first_program::require_first_program;
use crate::inspect::kernel::check_kernel;
use crate::inspect::presence::{require_init, without_directory};
use crate::name::{FileName, ProfileName};
use crate::payload::Payload;
use crate::profile::Profile;
use crate::provenance::Provenance;
use crate::secret_scan::{SecretPolicy, SecretReport, scan_initrd};

/// Makes images from existing kernels and initrds. It does not need Nix.
///
/// ```no_run
/// use netboot_core::{Builder, Context, PrebuiltBuilder, PrebuiltImage, ProfileSpec};
///
/// # async fn example() -> Result<(), netboot_core::Error> {
/// let installer = ProfileSpec::new("installer")?;
/// let builder = PrebuiltBuilder::new()
///     .with_image("installer", PrebuiltImage::directory("downloads/nixos-24.11"))?;
/// let image = builder.build(&installer, &Context::new()).await?;
/// println!("{}", image.boot().command_line()?);
/// # Ok(())
/// # }
/// ```
///
/// The builder checks every file before it becomes part of an image. It checks the header of the
/// kernel, reads each initrd from the first byte to the last, and looks for `/init` and for the
/// system's `init` in the initrds as far as it can read them. A warning names files that Linux will
/// leave out. [`Payload::External`] says that the initrd gets `init` from elsewhere. The builder
/// hashes each file of a closure, and compares `init` with the closure's index.
///
/// It also scans the files in the initrds and the kernel parameters for secrets, by
/// [`SecretPolicy::default`] unless [`with_secret_policy`](Self::with_secret_policy) sets another
/// policy. A warning names the parts that it does not read, such as file system images and
/// closures.
#[derive(Debug, Clone, Default)]
pub struct PrebuiltBuilder {
    images: BTreeMap<ProfileName, PrebuiltImage>,
    secrets: SecretPolicy,
}

impl PrebuiltBuilder {
    /// Creates a builder without images.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the image of `profile`.
    ///
    /// # Errors
    /// [`InvalidValue`](crate::InvalidValue) for a text that is not a profile name.
    pub fn with_image<N: TryInto<ProfileName>>(
        mut self,
        profile: N,
        image: PrebuiltImage,
    ) -> Result<Self, N::Error> {
        self.images.insert(profile.try_into()?, image);
        Ok(self)
    }

    /// Sets which secrets the images may contain.
    #[must_use]
    pub fn with_secret_policy(mut self, policy: SecretPolicy) -> Self {
        self.secrets = policy;
        self
    }

    async fn image(&self, profile: &dyn Profile, context: &Context) -> Result<Image, Error> {
        context.check()?;
        let name = profile.name();
        let context = &context.for_profile(name);
        let prebuilt = self.images.get(name).ok_or_else(|| Error::UnknownProfile {
            profile: name.clone(),
            known: self.images.keys().cloned().collect(),
        })?;
        let architecture = profile.architecture();
        let parts = prebuilt.parts(architecture).await?;
        let _phase = context.phase(Phase::Hashing, None);
        let mut expected = prebuilt.expected();

        check_kernel(&parts.kernel, architecture).await?;
        let kernel_name = FileName::new(architecture.kernel_file_name())?;
        let kernel = ArtifactKind::Kernel;
        let kernel = open(&mut expected, kernel, kernel_name, &parts.kernel, context).await?;
        let boot = BootSpec::new(architecture, parts.init, parts.kernel_parameters)?;
        let mut image = Image::builder(profile, boot.clone()).kernel(kernel);

        let mut report = SecretReport::new(&self.secrets);
        report.add_command_line(&boot, context)?;
        let mut summaries = Vec::new();
        for (index, path) in parts.initrds.iter().enumerate() {
            let (summary, found) = scan_initrd(path, &self.secrets, |_| false, context).await?;
            found.report(&mut report, name, context);
            let kernel = (parts.kernel.as_path(), architecture);
            check_xz_filters(name, kernel, (path, &summary), context).await?;
            summaries.push(summary);
            let file_name = match index {
                0 => FileName::new("initrd")?,
                _ => FileName::new(format!("initrd-{}", index + 1))?,
            };
            let kind = ArtifactKind::Initrd;
            image = image.initrd(open(&mut expected, kind, file_name, path, context).await?);
        }
        let (summaries, lost) = blocking(move || {
            let lost: Vec<_> = without_directory(&summaries)
                .into_iter()
                .map(|lost| Some(((*lost.first()?).to_owned(), lost.len() - 1)))
                .collect();
            Ok::<_, Error>((summaries, lost))
        })
        .await?;
        for (path, lost) in parts.initrds.iter().zip(lost) {
            if let Some((first, others)) = lost {
                warn_of_lost_files(path, &first, others, name, context);
            }
        }
        require_first_program(name, &boot, &summaries)?;
        match parts.closure {
            None if profile.payload() == Some(Payload::External) => {}
            None => require_init(name, boot.init(), &summaries)?,
            Some(files) => {
                image = image.closure(files.open(name, boot.init(), context).await?);
            }
        }
        report.finish(name, context)?;
        // The caller may expect digests of files beside the parts. A missing file is an error.
        for (path, sha256) in expected {
            let mut expected = BTreeMap::from([(path.clone(), sha256)]);
            open(&mut expected, ArtifactKind::Script, FileName::new("script")?, &path, context)
                .await?;
        }
        let provenance = Provenance::new(self.name());
        image.provenance(provenance).build()
    }
}

/// Opens the file at `path`, and checks it against its digest in `expected`, which it removes.
async fn open(
    expected: &mut BTreeMap<PathBuf, Sha256Digest>,
    kind: ArtifactKind,
    file_name: FileName,
    path: &Path,
    context: &Context,
) -> Result<Arc<dyn Artifact>, Error> {
    let artifact = FileArtifact::open(kind, file_name, path, context).await?;
    match expected.remove(path) {
        Some(expected) if expected != artifact.sha256() => Err(Error::UnexpectedDigest {
            path: path.to_owned(),
            expected,
            found: artifact.sha256(),
        }),
        _ => Ok(Arc::new(artifact)),
    }
}

/// Warns of files in an initrd that Linux will not make.
fn warn_of_lost_files(
    path: &Path,
    first: &str,
    others: usize,
    profile: &ProfileName,
    context: &Context,
) {
    let others = match others {
        0 => String::new(),
        others => format!(" and {} more", counted(others, "path")),
    };
    context.emit(Event::Warning {
        profile: Some(profile.clone()),
        message: format!(
            "Linux will leave out `{first}`{others} of the initrd `{}`: no initrd has the directory \
             before it",
            path.display()
        ),
        hint: Some(
            "give `cpio` a list with each directory before its files, as `find` writes it"
                .to_owned(),
        ),
    });
}

#[async_trait]
impl Builder for PrebuiltBuilder {
    fn name(&self) -> &'static str {
        "prebuilt"
    }

    async fn build(&self, profile: &dyn Profile, context: &Context) -> Result<Image, Error> {
        let name = profile.name();
        let image = self.image(profile, context).await;
        let result = image.map_err(|error| error.of_profile(self.name(), name));
        if let Ok(image) = &result {
            image.warn_if_over(profile.size_budget(), context);
        }
        let (profile, succeeded) = (name.clone(), result.is_ok());
        context.emit(Event::ProfileFinished { profile, succeeded });
        result
    }
}
