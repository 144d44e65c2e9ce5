//! What a builder makes of a profile.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::artifact::Artifact;
use crate::artifact_kind::ArtifactKind;
use crate::boot_spec::BootSpec;
use crate::context::Context;
use crate::error::Error;
use crate::event::Event;
use crate::manifest::{FileRecord, ImageManifest};
use crate::name::{ProfileName, ServiceName, Title};
use crate::profile::Profile;
use crate::provenance::Provenance;

/// What most builds of iPXE load at most, in bytes.
const IPXE_LIMIT: u64 = 2 * 1024 * 1024 * 1024;

/// A bootable image: a kernel, one or more initrds in their order, how to start them, and where
/// they come from.
///
/// ```
/// use std::sync::Arc;
/// use netboot_core::{
///     Architecture, ArtifactKind, BootSpec, BytesArtifact, FileName, Image, InitPath, ProfileSpec,
/// };
///
/// let profile = ProfileSpec::new("worker".parse()?);
/// let init = InitPath::new("/nix/store/0a1b-nixos-system-worker/init")?;
/// let boot = BootSpec::new(Architecture::X86_64, init, vec!["loglevel=4".parse()?])?;
/// let bytes = |kind, name, bytes: &'static [u8]| {
///     Ok::<_, netboot_core::Error>(Arc::new(BytesArtifact::new(kind, FileName::new(name)?, bytes)))
/// };
/// let image = Image::builder(&profile, boot)
///     .kernel(bytes(ArtifactKind::Kernel, "bzImage", b"...")?)
///     .initrd(bytes(ArtifactKind::Initrd, "initrd", b"...")?)
///     .build()?;
/// assert_eq!(
///     image.boot().command_line()?.to_string(),
///     "init=/nix/store/0a1b-nixos-system-worker/init loglevel=4",
/// );
/// # Ok::<(), netboot_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Image {
    profile: ProfileName,
    title: Title,
    services: Vec<ServiceName>,
    boot: BootSpec,
    kernel: Arc<dyn Artifact>,
    initrds: Vec<Arc<dyn Artifact>>,
    build_log: Option<Arc<dyn Artifact>>,
    provenance: Provenance,
}

impl Image {
    /// Begins an image of `profile` that starts as `boot` says. The profile's additional kernel
    /// parameters are added to it.
    pub fn builder(profile: &dyn Profile, boot: BootSpec) -> ImageBuilder {
        ImageBuilder {
            profile: profile.name().clone(),
            title: profile.title().clone(),
            services: profile.services().to_vec(),
            boot: boot.with_parameters(profile.kernel_parameters()),
            kernel: None,
            initrds: Vec::new(),
            build_log: None,
            provenance: Provenance::default(),
        }
    }

    /// The image that a manifest describes, such as one of a release that is published already;
    /// `artifact` gives the bytes that belong to a record.
    ///
    /// # Errors
    /// Those of [`ImageBuilder::build`].
    pub fn from_manifest(
        profile: &ProfileName,
        manifest: &ImageManifest,
        artifact: impl Fn(ArtifactKind, &FileRecord) -> Arc<dyn Artifact>,
    ) -> Result<Self, Error> {
        let initrds = manifest.initrds.iter();
        ImageBuilder {
            profile: profile.clone(),
            title: manifest.title.clone(),
            services: manifest.services.clone(),
            boot: Ok(manifest.boot.clone()),
            kernel: Some(artifact(ArtifactKind::Kernel, &manifest.kernel)),
            initrds: initrds.map(|record| artifact(ArtifactKind::Initrd, record)).collect(),
            build_log: manifest
                .build_log
                .as_ref()
                .map(|record| artifact(ArtifactKind::BuildLog, record)),
            provenance: manifest.provenance.clone(),
        }
        .build()
    }

    /// The profile's name.
    pub fn profile(&self) -> &ProfileName {
        &self.profile
    }

    /// What a menu shows for it.
    pub fn title(&self) -> &Title {
        &self.title
    }

    /// The services that it brings.
    pub fn services(&self) -> &[ServiceName] {
        &self.services
    }

    /// How to start it.
    pub fn boot(&self) -> &BootSpec {
        &self.boot
    }

    /// Its kernel.
    pub fn kernel(&self) -> &Arc<dyn Artifact> {
        &self.kernel
    }

    /// Its initrds, in the order in which a boot loader gives them to the kernel; at least one.
    pub fn initrds(&self) -> &[Arc<dyn Artifact>] {
        &self.initrds
    }

    /// The log of its build, where there is one.
    pub fn build_log(&self) -> Option<&Arc<dyn Artifact>> {
        self.build_log.as_ref()
    }

    /// Where it comes from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// What a machine has to fetch: the kernel, then the initrds in order.
    pub fn payload(&self) -> impl Iterator<Item = &Arc<dyn Artifact>> {
        std::iter::once(&self.kernel).chain(&self.initrds)
    }

    /// How many bytes a machine has to fetch.
    pub fn payload_size(&self) -> u64 {
        self.payload().map(|artifact| artifact.size()).sum()
    }

    /// Reports a warning if a machine has to fetch more than `budget` bytes, or, whatever the
    /// budget, more than most builds of iPXE load: 2 GiB (nixpkgs issue 203593).
    pub fn warn_if_over(&self, budget: u64, context: &Context) {
        let size = self.payload_size();
        let mebibytes = |bytes: u64| bytes.div_ceil(1024 * 1024);
        let (message, hint) = if size > IPXE_LIMIT {
            (
                format!(
                    "the image has {} MiB, and most builds of iPXE load no 2 GiB",
                    mebibytes(size)
                ),
                "take packages out of the configuration: a machine that cannot load the image stays \
                 in its firmware or boots a damaged one",
            )
        } else if size > budget {
            (
                format!(
                    "the image has {} MiB and its budget is {} MiB",
                    mebibytes(size),
                    mebibytes(budget)
                ),
                "machines need more memory and time for it: take packages out of the \
                 configuration, or raise the profile's size budget",
            )
        } else {
            return;
        };
        let (profile, hint) = (Some(self.profile.clone()), Some(hint.to_owned()));
        context.emit(Event::Warning { profile, message, hint });
    }

    /// The image as its manifest describes it.
    pub fn manifest(&self) -> ImageManifest {
        ImageManifest {
            title: self.title.clone(),
            services: self.services.clone(),
            boot: self.boot.clone(),
            kernel: FileRecord::of(self.kernel.as_ref()),
            initrds: self.initrds.iter().map(|initrd| FileRecord::of(initrd.as_ref())).collect(),
            build_log: self.build_log.as_deref().map(FileRecord::of),
            provenance: self.provenance.clone(),
        }
    }
}

/// Gathers the parts of an [`Image`]; made by [`Image::builder`].
#[derive(Debug)]
#[must_use = "an image is made by `build`"]
pub struct ImageBuilder {
    profile: ProfileName,
    title: Title,
    services: Vec<ServiceName>,
    boot: Result<BootSpec, Error>,
    kernel: Option<Arc<dyn Artifact>>,
    initrds: Vec<Arc<dyn Artifact>>,
    build_log: Option<Arc<dyn Artifact>>,
    provenance: Provenance,
}

impl ImageBuilder {
    /// Sets the kernel.
    pub fn kernel(mut self, kernel: Arc<dyn Artifact>) -> Self {
        self.kernel = Some(kernel);
        self
    }

    /// Adds an initrd behind those that are there.
    pub fn initrd(mut self, initrd: Arc<dyn Artifact>) -> Self {
        self.initrds.push(initrd);
        self
    }

    /// Sets the log of the build.
    pub fn build_log(mut self, log: Arc<dyn Artifact>) -> Self {
        self.build_log = Some(log);
        self
    }

    /// Sets where the image comes from.
    pub fn provenance(mut self, provenance: Provenance) -> Self {
        self.provenance = provenance;
        self
    }

    /// Checks the parts and puts them together.
    ///
    /// # Errors
    /// [`Error::IncompleteImage`] without a kernel or an initrd, [`Error::WrongArtifactKind`],
    /// [`Error::Duplicate`] when two files have one name, [`Error::InvalidValue`] when the
    /// profile's kernel parameters make the command line too long.
    pub fn build(self) -> Result<Image, Error> {
        let profile = self.profile;
        let incomplete = |missing| Error::IncompleteImage { profile: profile.clone(), missing };
        let kernel = self.kernel.ok_or_else(|| incomplete("kernel"))?;
        if self.initrds.is_empty() {
            return Err(incomplete("initrd"));
        }
        let mut names = BTreeSet::new();
        let parts = std::iter::once((&kernel, ArtifactKind::Kernel))
            .chain(self.initrds.iter().map(|initrd| (initrd, ArtifactKind::Initrd)))
            .chain(self.build_log.iter().map(|log| (log, ArtifactKind::BuildLog)));
        for (artifact, expected) in parts {
            let found = artifact.kind();
            if found != expected {
                return Err(Error::WrongArtifactKind { profile, expected, found });
            }
            if expected != ArtifactKind::BuildLog && artifact.size() == 0 {
                let path = artifact.file_name().as_str().into();
                return Err(Error::EmptyArtifact { kind: found, path });
            }
            if !names.insert(artifact.file_name()) {
                return Err(Error::Duplicate { name: artifact.file_name().to_string() });
            }
        }
        Ok(Image {
            title: self.title,
            services: self.services,
            boot: self.boot?,
            kernel,
            initrds: self.initrds,
            build_log: self.build_log,
            provenance: self.provenance,
            profile,
        })
    }
}
