//! Releases: images and their scripts, ready to be published.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::artifact::Artifact;
use crate::closure::Closure;
use crate::content::Content;
use crate::digest::Sha256Digest;
use crate::error::Error;
use crate::image::Image;
use crate::invalid_value::InvalidValue;
use crate::layout::{self, GENERATED_MARK, ReleasePath};
use crate::manifest::Manifest;
use crate::pointer_template::PointerTemplate;
use crate::release_id::ReleaseId;

/// Images, their scripts and a manifest, which a publisher publishes as a whole.
///
/// A renderer makes a release (`netboot_ipxe::Renderer::render_release`). A caller that writes its
/// own scripts uses [`Release::builder`]. The module [`layout`] defines the path of each part.
#[derive(Debug, Clone)]
pub struct Release {
    manifest: Manifest,
    files: BTreeMap<ReleasePath, Arc<dyn Artifact>>,
    logs: BTreeMap<ReleasePath, Arc<dyn Artifact>>,
    blobs: BTreeMap<Sha256Digest, Arc<dyn Artifact>>,
    pointer: Bytes,
    entry_points: BTreeMap<ReleasePath, Bytes>,
}

impl Release {
    /// Begins a release of `images`.
    pub fn builder(images: impl IntoIterator<Item = Image>) -> ReleaseBuilder {
        ReleaseBuilder {
            images: images.into_iter().collect(),
            scripts: Vec::new(),
            blobs: Vec::new(),
            entry_points: Vec::new(),
            refused: None,
        }
    }

    /// The id of the release.
    pub fn id(&self) -> &ReleaseId {
        self.manifest.release()
    }

    /// The manifest of the release.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The scripts and the documents about the images, by their path below `releases/<id>/`.
    pub fn files(&self) -> &BTreeMap<ReleasePath, Arc<dyn Artifact>> {
        &self.files
    }

    /// The logs of the builds, by their path below `releases/<id>/`. Neither the id nor the
    /// manifest covers them.
    pub fn logs(&self) -> &BTreeMap<ReleasePath, Arc<dyn Artifact>> {
        &self.logs
    }

    /// The kernels, initrds, UKIs and other files that scripts name by digest, and the files of the
    /// images' closures. A file that several images share is here once.
    pub fn blobs(&self) -> &BTreeMap<Sha256Digest, Arc<dyn Artifact>> {
        &self.blobs
    }

    /// The content of the pointer while this release is live.
    pub fn pointer(&self) -> &Bytes {
        &self.pointer
    }

    /// The static entry points, by their path below the root of the target.
    pub fn entry_points(&self) -> &BTreeMap<ReleasePath, Bytes> {
        &self.entry_points
    }
}

/// Collects the parts of a [`Release`]. [`Release::builder`] creates it.
#[derive(Debug)]
#[must_use = "`build` makes the release"]
pub struct ReleaseBuilder {
    images: Vec<Image>,
    scripts: Vec<(ReleasePath, Arc<dyn Artifact>)>,
    blobs: Vec<Arc<dyn Artifact>>,
    entry_points: Vec<(ReleasePath, Bytes)>,
    /// The first text that was given as a path and is not one.
    refused: Option<InvalidValue>,
}

impl ReleaseBuilder {
    /// Adds a script at `path` below the release. The module [`layout`] has the required paths.
    pub fn script(
        mut self,
        path: impl TryInto<ReleasePath, Error: Into<InvalidValue>>,
        script: impl Artifact + 'static,
    ) -> Self {
        match path.try_into() {
            Ok(path) => self.scripts.push((path, Arc::new(script))),
            Err(error) => self.refuse(error),
        }
        self
    }

    /// Adds a file that scripts name by digest and that is not part of an image, such as a
    /// signature, the initrd of one machine, or a table of machines. It is published at
    /// [`layout::blob`], so a later release with the same file does not send it again.
    pub fn blob(mut self, blob: impl Artifact + 'static) -> Self {
        self.blobs.push(Arc::new(blob));
        self
    }

    /// Adds a static entry point at `path` below the root of the target. Its text must be the same
    /// for every release, because machines fetch it whatever release is live, and it must contain
    /// [`GENERATED_MARK`]. If the path is that of a [program](layout::is_program), the text is an
    /// EFI program instead, which has no mark.
    pub fn entry_point(
        mut self,
        path: impl TryInto<ReleasePath, Error: Into<InvalidValue>>,
        text: impl Into<Bytes>,
    ) -> Self {
        match path.try_into() {
            Ok(path) => self.entry_points.push((path, text.into())),
            Err(error) => self.refuse(error),
        }
        self
    }

    fn refuse(&mut self, error: impl Into<InvalidValue>) {
        self.refused.get_or_insert(error.into());
    }

    /// Computes the id and makes the release. `pointer` is the text of the pointer that makes this
    /// release live.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use netboot_core::{
    /// #     Architecture, ArtifactKind, BootSpec, BytesArtifact, Image, InitPath,
    /// #     PointerTemplate, ProfileSpec, RELEASE_ID_PLACEHOLDER, Release, layout,
    /// # };
    /// # let profile = ProfileSpec::new("worker")?;
    /// # let init = InitPath::new("/nix/store/0a1b-nixos-system-worker/init")?;
    /// # let boot = BootSpec::new(Architecture::X86_64, init, Vec::<&str>::new())?;
    /// # let artifact = |kind, name| {
    /// #     Ok::<_, netboot_core::Error>(Arc::new(BytesArtifact::new(kind, name, "x")?))
    /// # };
    /// # let image = Image::builder(&profile, boot)
    /// #     .kernel(artifact(ArtifactKind::Kernel, "bzImage")?)
    /// #     .initrd(artifact(ArtifactKind::Initrd, "initrd")?)
    /// #     .build()?;
    /// # let [menu, script] = ["boot.ipxe", "netboot.ipxe"].map(|name| {
    /// #     artifact(ArtifactKind::Script, name)
    /// # });
    /// # let (menu, script) = (menu?, script?);
    /// let pointer = PointerTemplate::new(format!(
    ///     "#!ipxe\n# Generated by netboot\nchain releases/{RELEASE_ID_PLACEHOLDER}/boot.ipxe\n"
    /// ))?;
    /// let release = Release::builder([image])
    ///     .script(layout::boot_script(), menu)
    ///     .script("worker/netboot.ipxe", script)
    ///     .build(pointer)?;
    /// let live = format!("chain releases/{}/boot.ipxe\n", release.id());
    /// assert!(release.pointer().ends_with(live.as_bytes()));
    /// # Ok::<(), netboot_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidValue`] for a text that was given as a path and is not one,
    /// [`Error::EmptyRelease`], [`Error::Duplicate`] for two images or files with the same name,
    /// [`Error::ReservedPath`], [`Error::FileAboveFile`], [`Error::MissingScript`] without
    /// `boot.ipxe` or a profile's `netboot.ipxe`, [`Error::UnmarkedEntryPoint`],
    /// [`Error::NotAProgram`], [`Error::ReleaseTooLarge`].
    pub fn build(self, pointer: PointerTemplate) -> Result<Release, Error> {
        if let Some(error) = self.refused {
            return Err(error.into());
        }
        let mut images = BTreeMap::new();
        let mut blobs: BTreeMap<Sha256Digest, Arc<dyn Artifact>> = BTreeMap::new();
        let mut closures: BTreeMap<Sha256Digest, Arc<dyn Artifact>> = BTreeMap::new();
        let (mut files, mut logs) = (BTreeMap::new(), BTreeMap::new());
        for image in &self.images {
            let profile = image.profile().clone();
            insert_once(&mut images, profile.clone(), image.manifest())?;
            for artifact in image.closure().into_iter().flat_map(Closure::artifacts) {
                closures.entry(artifact.sha256()).or_insert_with(|| artifact.clone());
            }
            for artifact in image.boot_files() {
                blobs.entry(artifact.sha256()).or_insert_with(|| artifact.clone());
            }
            for (kind, document) in image.documents() {
                insert_once(&mut files, layout::document(&profile, *kind), document.clone())?;
            }
            if let Some(log) = image.build_log() {
                insert_once(&mut logs, layout::build_log(&profile), log.clone())?;
            }
        }
        for blob in self.blobs {
            blobs.entry(blob.sha256()).or_insert(blob);
        }
        for (path, script) in self.scripts {
            insert_once(&mut files, path, script)?;
        }
        let mut entry_points = BTreeMap::new();
        for (path, text) in self.entry_points {
            require_mark(&path, &text)?;
            insert_once(&mut entry_points, path, text)?;
        }
        let blob_sizes = blobs.iter().map(|(sha256, blob)| (*sha256, blob.size())).collect();
        let texts = entry_points.iter();
        let texts = texts.map(|(path, text)| (path.clone(), Content::of_bytes(text))).collect();
        let manifest = Manifest::new(contents(&files), blob_sizes, pointer, texts, images)?;
        let pointer = manifest.pointer_text();
        for (sha256, artifact) in closures {
            blobs.entry(sha256).or_insert(artifact);
        }
        Ok(Release { manifest, files, logs, blobs, pointer, entry_points })
    }
}

fn contents(files: &BTreeMap<ReleasePath, Arc<dyn Artifact>>) -> BTreeMap<ReleasePath, Content> {
    files.iter().map(|(path, file)| (path.clone(), Content::of(file.as_ref()))).collect()
}

fn insert_once<K: Ord + fmt::Display, V>(
    map: &mut BTreeMap<K, V>,
    key: K,
    value: V,
) -> Result<(), Error> {
    match map.entry(key) {
        Entry::Vacant(place) => {
            place.insert(value);
            Ok(())
        }
        Entry::Occupied(there) => Err(Error::Duplicate { name: there.key().to_string() }),
    }
}

fn require_mark(path: &ReleasePath, text: &[u8]) -> Result<(), Error> {
    let mark = GENERATED_MARK;
    if layout::is_program(path) {
        // Each EFI program begins so ("MS-DOS Stub" in Microsoft's description of the PE format).
        let is_efi = text.starts_with(b"MZ");
        return if is_efi { Ok(()) } else { Err(Error::NotAProgram { path: path.clone() }) };
    }
    if text.windows(mark.len()).any(|window| window == mark.as_bytes()) {
        Ok(())
    } else {
        Err(Error::UnmarkedEntryPoint { path: path.clone(), mark })
    }
}
