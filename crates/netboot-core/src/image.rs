//! Images, which builders make from profiles.

mod budget;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::artifact::Artifact;
use crate::artifact_kind::ArtifactKind;
use crate::boot_spec::BootSpec;
use crate::closure::Closure;
use crate::content::{Content, FileRecord};
use crate::document_kind::DocumentKind;
use crate::error::Error;
use crate::image_manifest::ImageManifest;
use crate::materials::Materials;
use crate::name::{FileName, ProfileName, ServiceName, Title};
use crate::profile::Profile;
use crate::provenance::Provenance;

/// A bootable image: a kernel, one or more initrds in order, the way to start them, and their
/// origin. The system is in the initrds, or the image has a [`closure`](Self::closure).
///
/// ```
/// use netboot_core::{
///     Architecture, ArtifactKind, BootSpec, BytesArtifact, Image, InitPath, ProfileSpec,
/// };
///
/// let profile = ProfileSpec::new("worker")?;
/// let init = InitPath::new("/nix/store/0a1b-nixos-system-worker/init")?;
/// let boot = BootSpec::new(Architecture::X86_64, init, vec!["loglevel=4"])?;
/// let image = Image::builder(&profile, boot)
///     .kernel(BytesArtifact::new(ArtifactKind::Kernel, "bzImage", "...")?)
///     .initrd(BytesArtifact::new(ArtifactKind::Initrd, "initrd", "...")?)
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
    uki: Option<Arc<dyn Artifact>>,
    uki_stub: Option<PathBuf>,
    closure: Option<Closure>,
    build_log: Option<Arc<dyn Artifact>>,
    documents: BTreeMap<DocumentKind, Arc<dyn Artifact>>,
    materials: Option<Arc<Materials>>,
    provenance: Provenance,
}

impl Image {
    /// Begins an image of `profile` that boots as `boot` says. The profile's additional kernel
    /// parameters are added to those of `boot`.
    pub fn builder(profile: &dyn Profile, boot: BootSpec) -> ImageBuilder {
        ImageBuilder {
            profile: profile.name().clone(),
            title: profile.title().clone(),
            services: profile.services().to_vec(),
            boot: boot.with_parameters(profile.kernel_parameters()),
            kernel: None,
            initrds: Vec::new(),
            closure: None,
            build_log: None,
            materials: None,
            uki_stub: None,
            provenance: Provenance::default(),
        }
    }

    /// Creates the image that a manifest describes, such as an image of a published release.
    /// `artifact` returns the artifact for a record. The image has no build log and no documents.
    ///
    /// # Errors
    /// The errors of [`ImageBuilder::build`] and [`Self::with_uki`].
    pub fn from_manifest(
        profile: &ProfileName,
        manifest: &ImageManifest,
        artifact: impl Fn(ArtifactKind, &FileRecord) -> Arc<dyn Artifact>,
    ) -> Result<Self, Error> {
        let initrds = manifest.initrds.iter();
        let by_digest = |kind, content: Content| {
            // Nothing else names a store path in a manifest.
            let record = FileRecord::new(FileName::from(&content.sha256), content);
            artifact(kind, &record)
        };
        let image = ImageBuilder {
            profile: profile.clone(),
            title: manifest.title.clone(),
            services: manifest.services.clone(),
            boot: Ok(manifest.boot.clone()),
            kernel: Some(artifact(ArtifactKind::Kernel, &manifest.kernel)),
            initrds: initrds.map(|record| artifact(ArtifactKind::Initrd, record)).collect(),
            closure: manifest
                .closure
                .as_ref()
                .map(|closure| Closure::from_manifest(closure, by_digest)),
            build_log: None,
            materials: None,
            uki_stub: None,
            provenance: manifest.provenance.clone(),
        }
        .build()?;
        match &manifest.uki {
            Some(record) => image.with_uki(artifact(ArtifactKind::Uki, record)),
            None => Ok(image),
        }
    }

    /// The profile's name.
    pub fn profile(&self) -> &ProfileName {
        &self.profile
    }

    /// The title that a menu shows for the image.
    pub fn title(&self) -> &Title {
        &self.title
    }

    /// The services that the image provides.
    pub fn services(&self) -> &[ServiceName] {
        &self.services
    }

    /// The way to start the image.
    pub fn boot(&self) -> &BootSpec {
        &self.boot
    }

    /// The kernel.
    pub fn kernel(&self) -> &Arc<dyn Artifact> {
        &self.kernel
    }

    /// The initrds, in the order in which a boot loader passes them to the kernel. There is at
    /// least one.
    pub fn initrds(&self) -> &[Arc<dyn Artifact>] {
        &self.initrds
    }

    /// The kernel, the initrds and the command line as one EFI program, if somebody made it.
    /// Firmware with Secure Boot starts it if it is signed. It contains the
    /// [payload](Self::payload), so a machine fetches either one.
    pub fn uki(&self) -> Option<&Arc<dyn Artifact>> {
        self.uki.as_ref()
    }

    /// Gives the image a UKI in the place of the one that it has. The caller ensures that the UKI
    /// was made from this image; `netboot_uki` makes such UKIs.
    ///
    /// # Errors
    /// [`Error::WrongArtifactKind`], [`Error::EmptyArtifact`], [`Error::Duplicate`] if another file
    /// of the image has the name of the UKI.
    pub fn with_uki(mut self, uki: impl Artifact + 'static) -> Result<Self, Error> {
        require_kind(&self.profile, &uki, ArtifactKind::Uki)?;
        self.uki = Some(Arc::new(uki));
        self.check_log()?;
        self.manifest().check(&self.profile)?;
        Ok(self)
    }

    /// The stub for a UKI of the image, if its builder found one: a file of systemd's. The
    /// [description](Self::manifest) of the image does not name it.
    pub fn uki_stub(&self) -> Option<&Path> {
        self.uki_stub.as_deref()
    }

    /// The store paths that the machine fetches after the boot loader is done, if the initrds do
    /// not contain the system.
    pub fn closure(&self) -> Option<&Closure> {
        self.closure.as_ref()
    }

    /// The log of the build, if there is one. The [description](Self::manifest) of the image does
    /// not name it.
    pub fn build_log(&self) -> Option<&Arc<dyn Artifact>> {
        self.build_log.as_ref()
    }

    /// Gives the image a build log in the place of the one that it has.
    ///
    /// # Errors
    /// [`Error::WrongArtifactKind`], [`Error::Duplicate`] if another file of the image has the name
    /// of the log.
    pub fn with_build_log(mut self, log: impl Artifact + 'static) -> Result<Self, Error> {
        self.build_log = Some(Arc::new(log));
        self.check_log()?;
        Ok(self)
    }

    /// The documents about the image. The [description](Self::manifest) of the image does not name
    /// them, but a release of the image has them as files.
    pub fn documents(&self) -> &BTreeMap<DocumentKind, Arc<dyn Artifact>> {
        &self.documents
    }

    /// Gives the image a document in the place of the one of this kind that it has.
    ///
    /// # Errors
    /// [`Error::WrongArtifactKind`].
    pub fn with_document(
        mut self,
        kind: DocumentKind,
        document: impl Artifact + 'static,
    ) -> Result<Self, Error> {
        require_kind(&self.profile, &document, ArtifactKind::Document)?;
        self.documents.insert(kind, Arc::new(document));
        Ok(self)
    }

    /// The things that the image was made from, if its builder collected them.
    pub fn materials(&self) -> Option<&Materials> {
        self.materials.as_deref()
    }

    fn check_log(&self) -> Result<(), Error> {
        let Some(log) = &self.build_log else { return Ok(()) };
        require_kind(&self.profile, log, ArtifactKind::BuildLog)?;
        let name = log.file_name();
        if self.boot_files().any(|file| file.file_name() == name) {
            return Err(Error::Duplicate { name: name.to_string() });
        }
        Ok(())
    }

    /// The origin of the image.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Returns the artifacts that the boot loader fetches: the kernel, then the initrds in order.
    pub fn payload(&self) -> impl Iterator<Item = &Arc<dyn Artifact>> {
        std::iter::once(&self.kernel).chain(&self.initrds)
    }

    /// Returns all files that boot loaders and firmware start machines from: the
    /// [payload](Self::payload), then the [UKI](Self::uki), if there is one.
    pub fn boot_files(&self) -> impl Iterator<Item = &Arc<dyn Artifact>> {
        self.payload().chain(&self.uki)
    }

    /// Returns the number of bytes that the boot loader fetches.
    pub fn payload_size(&self) -> u64 {
        self.payload().map(Artifact::size).sum()
    }

    /// Returns the number of bytes that a machine fetches which has nothing yet: the payload and
    /// the closure.
    pub fn fetched_size(&self) -> u64 {
        self.payload_size().saturating_add(self.closure.as_ref().map_or(0, Closure::size))
    }

    /// Returns the description of the image for a manifest.
    pub fn manifest(&self) -> ImageManifest {
        ImageManifest {
            title: self.title.clone(),
            services: self.services.clone(),
            boot: self.boot.clone(),
            kernel: FileRecord::of(self.kernel.as_ref()),
            initrds: self.initrds.iter().map(|initrd| FileRecord::of(initrd.as_ref())).collect(),
            uki: self.uki.as_ref().map(|uki| FileRecord::of(uki.as_ref())),
            closure: self.closure.as_ref().map(Closure::manifest),
            provenance: self.provenance.clone(),
        }
    }
}

/// Collects the parts of an [`Image`]. [`Image::builder`] creates it.
#[derive(Debug)]
#[must_use = "`build` makes the image"]
pub struct ImageBuilder {
    profile: ProfileName,
    title: Title,
    services: Vec<ServiceName>,
    boot: Result<BootSpec, Error>,
    kernel: Option<Arc<dyn Artifact>>,
    initrds: Vec<Arc<dyn Artifact>>,
    closure: Option<Closure>,
    build_log: Option<Arc<dyn Artifact>>,
    materials: Option<Arc<Materials>>,
    uki_stub: Option<PathBuf>,
    provenance: Provenance,
}

impl ImageBuilder {
    /// Sets the kernel.
    pub fn kernel(mut self, kernel: impl Artifact + 'static) -> Self {
        self.kernel = Some(Arc::new(kernel));
        self
    }

    /// Adds an initrd after those that were added before.
    pub fn initrd(mut self, initrd: impl Artifact + 'static) -> Self {
        self.initrds.push(Arc::new(initrd));
        self
    }

    /// Sets the store paths that the machine fetches by itself.
    pub fn closure(mut self, closure: Closure) -> Self {
        self.closure = Some(closure);
        self
    }

    /// Sets the log of the build.
    pub fn build_log(mut self, log: impl Artifact + 'static) -> Self {
        self.build_log = Some(Arc::new(log));
        self
    }

    /// Sets the things that the image was made from.
    pub fn materials(mut self, materials: Materials) -> Self {
        self.materials = Some(Arc::new(materials));
        self
    }

    /// Sets the stub for a UKI of the image. The file must stay as it is.
    pub fn uki_stub(mut self, path: impl Into<PathBuf>) -> Self {
        self.uki_stub = Some(path.into());
        self
    }

    /// Sets the origin of the image.
    pub fn provenance(mut self, provenance: Provenance) -> Self {
        self.provenance = provenance;
        self
    }

    /// Checks the parts and makes the image.
    ///
    /// # Errors
    /// [`Error::IncompleteImage`] without a kernel or an initrd, [`Error::WrongArtifactKind`],
    /// [`Error::EmptyArtifact`], [`Error::Duplicate`] if two files have the same name,
    /// [`Error::InvalidValue`] if the profile's kernel parameters make the command line too long.
    pub fn build(self) -> Result<Image, Error> {
        let profile = self.profile;
        let Some(kernel) = self.kernel else {
            return Err(Error::IncompleteImage { profile, missing: "kernel" });
        };
        let parts = std::iter::once((&kernel, ArtifactKind::Kernel))
            .chain(self.initrds.iter().map(|initrd| (initrd, ArtifactKind::Initrd)));
        let closure = self.closure.iter().flat_map(|closure| {
            let blobs = closure.blobs.iter().map(|blob| (blob, ArtifactKind::StorePath));
            std::iter::once((&closure.index, ArtifactKind::ClosureIndex)).chain(blobs)
        });
        for (artifact, expected) in parts.chain(closure) {
            require_kind(&profile, artifact, expected)?;
        }
        let image = Image {
            title: self.title,
            services: self.services,
            boot: self.boot?,
            kernel,
            initrds: self.initrds,
            uki: None,
            uki_stub: self.uki_stub,
            closure: self.closure,
            build_log: self.build_log,
            documents: BTreeMap::new(),
            materials: self.materials,
            provenance: self.provenance,
            profile,
        };
        image.check_log()?;
        image.manifest().check(&image.profile)?;
        Ok(image)
    }
}

fn require_kind(
    profile: &ProfileName,
    artifact: &dyn Artifact,
    expected: ArtifactKind,
) -> Result<(), Error> {
    match artifact.kind() {
        found if found == expected => Ok(()),
        found => Err(Error::WrongArtifactKind { profile: profile.clone(), expected, found }),
    }
}
