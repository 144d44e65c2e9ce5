//! The manifest of a release: the list of its files, published with them.

mod check;
mod covered;
mod parts;

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::digest::Sha256Digest;
use crate::error::Error;
use crate::image_manifest::ImageManifest;
use crate::layout;
use crate::layout::ReleasePath;
use crate::manifest::parts::Parts;
use crate::name::ProfileName;
use crate::pointer_template::PointerTemplate;
use crate::release_id::ReleaseId;

/// The version of the manifest's format for releases without a closure.
const PLAIN_VERSION: u64 = 2;

/// The version of the manifest's format for releases with a closure. A library that reads only the
/// other version would lose store paths, so it has to refuse these releases.
const CLOSURE_VERSION: u64 = 3;

/// The list of all files of a release, with their sizes and digests, and the description of its
/// images.
///
/// It is written as JSON with sorted keys and without a time, so equal releases have equal
/// manifests, byte for byte. The release's id covers everything that decides what machines boot.
/// It does not cover the `provenance` of an image. The manifest does not list build logs, because
/// two builds of equal inputs have different logs.
///
/// A value of this type is consistent: the id belongs to the parts, each image has its payload
/// among the blobs, and no path leaves the release. This does not say who made the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Manifest {
    parts: Parts,
    /// The blobs of the parts, and of the images' closures.
    #[serde(skip)]
    blobs: BTreeMap<Sha256Digest, u64>,
}

/// The version of a manifest, which may have any other fields.
#[derive(Deserialize)]
struct VersionOnly {
    version: u64,
}

impl Manifest {
    /// Makes the manifest of these parts, and fails if they contradict each other.
    pub(crate) fn new(
        files: BTreeMap<ReleasePath, Content>,
        blobs: BTreeMap<Sha256Digest, u64>,
        pointer: PointerTemplate,
        entry_points: BTreeMap<ReleasePath, Content>,
        images: BTreeMap<ProfileName, ImageManifest>,
    ) -> Result<Self, Error> {
        let (version, release) = (version_for(&images), Sha256Digest::of(&[]).into());
        let mut parts = Parts { version, release, files, blobs, pointer, entry_points, images };
        check::check(&parts)?;
        parts.release = covered::id(&parts)?;
        Ok(Self::of(parts))
    }

    fn of(parts: Parts) -> Self {
        let mut blobs = parts.blobs.clone();
        blobs.extend(parts.closures().map(|Content { size, sha256 }| (sha256, size)));
        Self { parts, blobs }
    }

    /// Reads a manifest that anybody may have written. The JSON must be exactly the JSON that
    /// [`to_json`](Self::to_json) writes, so it means the same to every program that reads it.
    ///
    /// # Errors
    /// [`Error::ManifestVersion`] for another version, [`Error::MalformedManifest`],
    /// [`Error::ManifestForm`], [`Error::ManifestMismatch`] if the id is not the id of the parts,
    /// and the errors of [`ReleaseBuilder::build`](crate::ReleaseBuilder::build) if the parts
    /// contradict each other.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        let malformed = |source| Error::MalformedManifest { source };
        let VersionOnly { version } = serde_json::from_slice(json).map_err(malformed)?;
        let (found, oldest, newest) = (version, PLAIN_VERSION, CLOSURE_VERSION);
        if !(oldest..=newest).contains(&version) {
            return Err(Error::ManifestVersion { found, oldest, newest });
        }
        let parts: Parts = serde_json::from_slice(json).map_err(malformed)?;
        if version != version_for(&parts.images) {
            return Err(Error::ManifestForm);
        }
        let computed = covered::id(&parts)?;
        if computed != parts.release {
            return Err(Error::ManifestMismatch { stated: parts.release, computed });
        }
        check::check(&parts)?;
        let manifest = Self::of(parts);
        // Another form could have a key twice, of which other programs may read the other one.
        if manifest.to_json()? == json { Ok(manifest) } else { Err(Error::ManifestForm) }
    }

    /// Returns the manifest as JSON, indented by two spaces, with keys in a fixed order and a
    /// newline at the end.
    ///
    /// # Errors
    /// Never in practice, because every key is a string.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        let malformed = |source| Error::MalformedManifest { source };
        let mut json = serde_json::to_vec_pretty(self).map_err(malformed)?;
        json.push(b'\n');
        Ok(json)
    }

    /// The id of the release that the manifest describes.
    pub fn release(&self) -> &ReleaseId {
        &self.parts.release
    }

    /// The files of the release by their path below `releases/<id>/`, without the manifest and the
    /// release's pointer.
    pub fn files(&self) -> &BTreeMap<ReleasePath, Content> {
        &self.parts.files
    }

    /// Returns the paths below `releases/<id>/` at which the target may have a build log: one for
    /// each image. The manifest says nothing about the bytes of a log, so nobody may rely on them.
    pub fn log_paths(&self) -> impl Iterator<Item = ReleasePath> {
        self.parts.log_paths()
    }

    /// Returns the paths of the files and the build logs below `releases/<id>/`.
    pub fn own_paths(&self) -> impl Iterator<Item = ReleasePath> {
        self.parts.files.keys().cloned().chain(self.log_paths())
    }

    /// The sizes in bytes of the blobs that the release's scripts name, and of the blobs of its
    /// images' closures.
    pub fn blobs(&self) -> &BTreeMap<Sha256Digest, u64> {
        &self.blobs
    }

    /// The text of the pointer while this release is live, with a placeholder for the id.
    pub fn pointer(&self) -> &PointerTemplate {
        &self.parts.pointer
    }

    /// Returns the text of the pointer while this release is live, which is also the content of
    /// `releases/<id>/pointer.ipxe`.
    pub fn pointer_text(&self) -> Bytes {
        self.pointer().text(self.release()).into()
    }

    /// The static entry points that the release needs, by their path below the root of the target.
    pub fn entry_points(&self) -> &BTreeMap<ReleasePath, Content> {
        &self.parts.entry_points
    }

    /// The images by their profiles.
    pub fn images(&self) -> &BTreeMap<ProfileName, ImageManifest> {
        &self.parts.images
    }

    /// Returns the immutable objects that a complete release has at a target, by their path below
    /// the root of the target. The manifest itself and the build logs are not among them.
    pub fn objects(&self) -> BTreeMap<ReleasePath, Content> {
        let in_release = |path: &ReleasePath| layout::in_release(&self.parts.release, path);
        let files = self.parts.files.iter();
        let files = files.map(|(path, content)| (in_release(path), *content));
        let pointer = Content::of_bytes(&self.pointer_text());
        let pointer = (in_release(&layout::release_pointer()), pointer);
        let blobs = self.blobs().iter();
        let blobs = blobs
            .map(|(sha256, size)| (layout::blob(sha256), Content { size: *size, sha256: *sha256 }));
        files.chain(std::iter::once(pointer)).chain(blobs).collect()
    }
}

/// Returns the version of the format that a release of these images needs.
fn version_for(images: &BTreeMap<ProfileName, ImageManifest>) -> u64 {
    let has_closure = images.values().any(|image| image.closure.is_some());
    if has_closure { CLOSURE_VERSION } else { PLAIN_VERSION }
}
