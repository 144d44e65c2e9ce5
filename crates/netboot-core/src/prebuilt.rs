//! Images of files that exist already: what a CI built, a release of nixos-images, the `netboot`
//! directory of a Hydra job.

mod directory;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use self::directory::find_parts;
use crate::inspect::{check_kernel, inspect_initrd, require_init};
use crate::{
    Architecture, Artifact, ArtifactKind, BootSpec, Builder, Context, Error, Event, FileArtifact,
    FileName, Image, InitPath, KernelParameter, Phase, Profile, ProfileName, Provenance,
    Sha256Digest,
};

/// Makes images of kernels and initrds that exist already; needs no Nix.
///
/// ```no_run
/// use netboot_core::{Builder, Context, PrebuiltBuilder, PrebuiltImage, ProfileSpec};
///
/// # async fn example() -> Result<(), netboot_core::Error> {
/// let installer = ProfileSpec::new("installer".parse()?);
/// let builder = PrebuiltBuilder::new()
///     .with_image("installer".parse()?, PrebuiltImage::directory("downloads/nixos-24.11"));
/// let image = builder.build(&installer, &Context::new()).await?;
/// println!("{}", image.boot().command_line()?);
/// # Ok(())
/// # }
/// ```
///
/// Every file is checked before it becomes part of an image: the kernel by its header, each initrd
/// from its begin to its end, and `init` for being in one of them as far as that can be told.
#[derive(Debug, Clone, Default)]
pub struct PrebuiltBuilder {
    images: BTreeMap<ProfileName, PrebuiltImage>,
}

/// Where the parts of an image are.
#[derive(Debug, Clone)]
pub struct PrebuiltImage {
    location: Location,
    expected: BTreeMap<PathBuf, Sha256Digest>,
}

#[derive(Debug, Clone)]
enum Location {
    Files(Parts),
    Directory(PathBuf),
}

/// The parts of an image before they are checked.
#[derive(Debug, Clone)]
struct Parts {
    kernel: PathBuf,
    initrds: Vec<PathBuf>,
    init: InitPath,
    kernel_parameters: Vec<KernelParameter>,
}

impl PrebuiltImage {
    /// A kernel, initrds in their order, and how to start them.
    pub fn files(
        kernel: impl Into<PathBuf>,
        initrds: impl IntoIterator<Item = PathBuf>,
        init: InitPath,
        kernel_parameters: Vec<KernelParameter>,
    ) -> Self {
        let (kernel, initrds) = (kernel.into(), initrds.into_iter().collect());
        let location = Location::Files(Parts { kernel, initrds, init, kernel_parameters });
        Self { location, expected: BTreeMap::new() }
    }

    /// A directory in one of these layouts:
    ///
    /// | kernel | initrd | how to start it | who makes it |
    /// |---|---|---|---|
    /// | `bzImage` | `initrd` | `init`, `kernel-params` | `config.system.build.netboot` of nixos-images |
    /// | `bzImage` | `initrd` | `netboot.ipxe` | NixOS's and Hydra's `netboot`, and `build-images` |
    /// | `bzImage-<system>` | `initrd-<system>` | `netboot-<system>.ipxe` | releases of nixos-images |
    ///
    /// The kernel has its architecture's name, see [`Architecture::kernel_file_name`].
    pub fn directory(path: impl Into<PathBuf>) -> Self {
        Self { location: Location::Directory(path.into()), expected: BTreeMap::new() }
    }

    /// The same, refusing the image unless the file at `path` has this digest, as a publisher of
    /// images states it; also for a file beside its parts, such as `netboot.ipxe`. In a directory,
    /// `path` is relative to it.
    #[must_use]
    pub fn with_sha256(mut self, path: impl Into<PathBuf>, sha256: Sha256Digest) -> Self {
        self.expected.insert(path.into(), sha256);
        self
    }

    async fn parts(&self, architecture: Architecture) -> Result<Parts, Error> {
        match &self.location {
            Location::Files(parts) => Ok(parts.clone()),
            Location::Directory(path) => find_parts(path, architecture).await,
        }
    }

    /// The digests that are expected of files, by their whole paths.
    fn expected(&self) -> BTreeMap<PathBuf, Sha256Digest> {
        let whole = |path: &PathBuf| match &self.location {
            Location::Directory(directory) => directory.join(path),
            Location::Files(_) => path.clone(),
        };
        self.expected.iter().map(|(path, sha256)| (whole(path), *sha256)).collect()
    }
}

impl PrebuiltBuilder {
    /// A builder that has no images yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with the image of `profile`.
    #[must_use]
    pub fn with_image(mut self, profile: ProfileName, image: PrebuiltImage) -> Self {
        self.images.insert(profile, image);
        self
    }

    async fn image(&self, profile: &dyn Profile, context: &Context) -> Result<Image, Error> {
        context.check()?;
        let name = profile.name();
        let prebuilt = self.images.get(name).ok_or_else(|| Error::UnknownProfile {
            profile: name.clone(),
            known: self.images.keys().cloned().collect(),
        })?;
        let architecture = profile.architecture();
        let parts = prebuilt.parts(architecture).await?;
        let _phase = context.phase(Phase::Hashing, Some(name));
        let mut expected = prebuilt.expected();

        check_kernel(&parts.kernel, architecture).await?;
        let kernel_name = FileName::new(architecture.kernel_file_name())?;
        let kernel = ArtifactKind::Kernel;
        let kernel = open(&mut expected, kernel, kernel_name, &parts.kernel, context).await?;
        let boot = BootSpec::new(architecture, parts.init, parts.kernel_parameters)?;
        let mut image = Image::builder(profile, boot.clone()).kernel(kernel);

        let mut summaries = Vec::new();
        for (index, path) in parts.initrds.iter().enumerate() {
            summaries.push(inspect_initrd(path, context).await?);
            let file_name = match index {
                0 => FileName::new("initrd")?,
                _ => FileName::new(format!("initrd-{}", index + 1))?,
            };
            let kind = ArtifactKind::Initrd;
            image = image.initrd(open(&mut expected, kind, file_name, path, context).await?);
        }
        require_init(name, boot.init(), &summaries)?;
        // A digest of a file that is not there is a mistake, and not one that is kept.
        for (path, sha256) in expected {
            let mut expected = BTreeMap::from([(path.clone(), sha256)]);
            open(&mut expected, ArtifactKind::Script, FileName::new("script")?, &path, context)
                .await?;
        }
        let provenance = Provenance::new(self.name());
        image.provenance(provenance).build()
    }
}

/// Opens the file at `path`, and takes from `expected` the digest that it has to have.
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
