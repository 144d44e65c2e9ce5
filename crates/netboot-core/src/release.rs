//! Releases: images and their scripts, ready to be published.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::artifact::Artifact;
use crate::digest::Sha256Digest;
use crate::error::Error;
use crate::image::Image;
use crate::layout::{self, GENERATED_MARK, ReleasePath};
use crate::manifest::{Content, Manifest, entries};
use crate::name::ProfileName;
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

    /// The scripts, by their path below `releases/<id>/`.
    pub fn files(&self) -> &BTreeMap<ReleasePath, Arc<dyn Artifact>> {
        &self.files
    }

    /// The logs of the builds, by their path below `releases/<id>/`. The id does not cover them.
    pub fn logs(&self) -> &BTreeMap<ReleasePath, Arc<dyn Artifact>> {
        &self.logs
    }

    /// The kernels, initrds and other files that scripts name by digest. A file that several images
    /// share is here once.
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
}

impl ReleaseBuilder {
    /// Adds a script at `path` below the release. The module [`layout`] has the required paths.
    pub fn script(mut self, path: ReleasePath, script: Arc<dyn Artifact>) -> Self {
        self.scripts.push((path, script));
        self
    }

    /// Adds a file that scripts name by digest and that is not part of an image, such as a
    /// signature, the initrd of one machine, or a table of machines. It is published at
    /// [`layout::blob`], so a later release with the same file does not send it again.
    pub fn blob(mut self, blob: Arc<dyn Artifact>) -> Self {
        self.blobs.push(blob);
        self
    }

    /// Adds a static entry point at `path` below the root of the target. Its text must be the same
    /// for every release, because machines fetch it whatever release is live, and it must contain
    /// [`GENERATED_MARK`].
    pub fn entry_point(mut self, path: ReleasePath, text: impl Into<Bytes>) -> Self {
        self.entry_points.push((path, text.into()));
        self
    }

    /// Computes the id, calls `pointer` with it, and makes the release. `pointer` returns the text
    /// of the pointer that makes this release live. That text is published in the root of the
    /// target, so it reaches the release at `releases/<id>/`. It must contain [`GENERATED_MARK`].
    ///
    /// # Errors
    /// [`Error::EmptyRelease`], [`Error::Duplicate`] for two images or files with the same name,
    /// [`Error::MissingScript`] without `boot.ipxe` or a profile's `netboot.ipxe`,
    /// [`Error::UnmarkedEntryPoint`].
    pub fn build(self, pointer: impl FnOnce(&ReleaseId) -> String) -> Result<Release, Error> {
        if self.images.is_empty() {
            return Err(Error::EmptyRelease);
        }
        let mut images = BTreeMap::new();
        let mut blobs: BTreeMap<Sha256Digest, Arc<dyn Artifact>> = BTreeMap::new();
        let (mut files, mut logs) = (BTreeMap::new(), BTreeMap::new());
        for image in &self.images {
            let profile = image.profile().clone();
            insert_once(&mut images, profile.clone(), image.manifest())?;
            for artifact in image.payload() {
                blobs.entry(artifact.sha256()).or_insert_with(|| artifact.clone());
            }
            if let Some(log) = image.build_log() {
                insert_once(&mut logs, layout::build_log(&profile), log.clone())?;
            }
        }
        for blob in self.blobs {
            blobs.entry(blob.sha256()).or_insert(blob);
        }
        for (path, script) in self.scripts {
            let reserved =
                [layout::manifest(), layout::manifest_signature(), layout::release_pointer()];
            if reserved.contains(&path) || logs.contains_key(&path) {
                return Err(Error::Duplicate { name: path.into() });
            }
            insert_once(&mut files, path, script)?;
        }
        require_scripts(images.keys(), &files)?;

        let mut entry_points = BTreeMap::new();
        for (path, text) in self.entry_points {
            require_mark(&path, &text)?;
            insert_once(&mut entry_points, path, text)?;
        }

        let file_contents = contents(&files);
        let blob_sizes: BTreeMap<_, _> =
            blobs.iter().map(|(sha256, blob)| (*sha256, blob.size())).collect();
        let id = ReleaseId::of(entries(&file_contents, &blob_sizes));
        let pointer = Bytes::from(pointer(&id));
        require_mark(&layout::release_pointer(), &pointer)?;
        let entry_contents = entry_points
            .iter()
            .map(|(path, text)| (path.clone(), content_of_bytes(text)))
            .collect();
        let manifest = Manifest::new(
            file_contents,
            contents(&logs),
            blob_sizes,
            content_of_bytes(&pointer),
            entry_contents,
            images,
        );
        Ok(Release { manifest, files, logs, blobs, pointer, entry_points })
    }
}

fn contents(files: &BTreeMap<ReleasePath, Arc<dyn Artifact>>) -> BTreeMap<ReleasePath, Content> {
    files.iter().map(|(path, file)| (path.clone(), Content::of(file.as_ref()))).collect()
}

fn content_of_bytes(bytes: &Bytes) -> Content {
    Content { size: bytes.len() as u64, sha256: Sha256Digest::of(bytes) }
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

fn require_scripts<'a>(
    profiles: impl Iterator<Item = &'a ProfileName>,
    files: &BTreeMap<ReleasePath, Arc<dyn Artifact>>,
) -> Result<(), Error> {
    let required = profiles.map(layout::profile_script).chain([layout::boot_script()]);
    match required.into_iter().find(|path| !files.contains_key(path)) {
        Some(path) => Err(Error::MissingScript { path }),
        None => Ok(()),
    }
}

fn require_mark(path: &ReleasePath, text: &[u8]) -> Result<(), Error> {
    let mark = GENERATED_MARK;
    if text.windows(mark.len()).any(|window| window == mark.as_bytes()) {
        Ok(())
    } else {
        Err(Error::UnmarkedEntryPoint { path: path.clone(), mark })
    }
}
