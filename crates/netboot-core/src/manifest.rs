//! What a release consists of, as a file that goes with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::artifact::Artifact;
use crate::boot_spec::BootSpec;
use crate::digest::Sha256Digest;
use crate::error::Error;
use crate::layout;
use crate::layout::ReleasePath;
use crate::name::{FileName, ProfileName, ServiceName, Title};
use crate::provenance::Provenance;
use crate::release_id::ReleaseId;

/// The version of the format that this library writes, and the only one that it reads.
pub const MANIFEST_VERSION: u64 = 1;

/// Size and digest of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a size and a digest tell bytes from all others")]
pub struct Content {
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Sha256Digest,
}

impl Content {
    /// Those of an artifact.
    pub fn of(artifact: &dyn Artifact) -> Self {
        Self { size: artifact.size(), sha256: artifact.sha256() }
    }
}

/// A part of an image: its name for people, its size, its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FileRecord {
    /// Its name, such as `bzImage`.
    pub file_name: FileName,
    /// Its size in bytes.
    pub size: u64,
    /// Its digest; a kernel or initrd lies at `blobs/<sha256>`.
    pub sha256: Sha256Digest,
}

impl FileRecord {
    /// The record of a file by its name and what it holds.
    pub fn new(file_name: FileName, content: Content) -> Self {
        Self { file_name, size: content.size, sha256: content.sha256 }
    }

    /// The record of an artifact.
    pub fn of(artifact: &dyn Artifact) -> Self {
        Self {
            file_name: artifact.file_name().clone(),
            size: artifact.size(),
            sha256: artifact.sha256(),
        }
    }
}

/// What a manifest says of one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ImageManifest {
    /// What a menu shows for it.
    pub title: Title,
    /// The services that it brings.
    pub services: Vec<ServiceName>,
    /// How to start it: architecture, `init`, kernel parameters.
    pub boot: BootSpec,
    /// Its kernel.
    pub kernel: FileRecord,
    /// Its initrds, in order.
    pub initrds: Vec<FileRecord>,
    /// The log of its build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_log: Option<FileRecord>,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// Everything that a release consists of, with sizes and digests.
///
/// Written as JSON with sorted keys and no clock: equal releases have equal manifests, byte for
/// byte. The release's id covers `files` and `blobs`; `images` and `logs` only explain them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    version: u64,
    release: ReleaseId,
    files: BTreeMap<ReleasePath, Content>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    logs: BTreeMap<ReleasePath, Content>,
    blobs: BTreeMap<Sha256Digest, u64>,
    pointer: Content,
    entry_points: BTreeMap<ReleasePath, Content>,
    images: BTreeMap<ProfileName, ImageManifest>,
}

/// A manifest's version, whatever else it holds.
#[derive(Deserialize)]
struct VersionOnly {
    version: u64,
}

impl Manifest {
    pub(crate) fn new(
        files: BTreeMap<ReleasePath, Content>,
        logs: BTreeMap<ReleasePath, Content>,
        blobs: BTreeMap<Sha256Digest, u64>,
        pointer: Content,
        entry_points: BTreeMap<ReleasePath, Content>,
        images: BTreeMap<ProfileName, ImageManifest>,
    ) -> Self {
        let release = ReleaseId::of(entries(&files, &blobs));
        Self {
            version: MANIFEST_VERSION,
            release,
            files,
            logs,
            blobs,
            pointer,
            entry_points,
            images,
        }
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// [`Error::ManifestVersion`] for one of another version, [`Error::MalformedManifest`],
    /// [`Error::ManifestMismatch`] when its id is not that of its entries.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        let malformed = |source| Error::MalformedManifest { source };
        let VersionOnly { version } = serde_json::from_slice(json).map_err(malformed)?;
        if version != MANIFEST_VERSION {
            return Err(Error::ManifestVersion { found: version, supported: MANIFEST_VERSION });
        }
        let manifest: Self = serde_json::from_slice(json).map_err(malformed)?;
        let computed = ReleaseId::of(entries(&manifest.files, &manifest.blobs));
        if computed != manifest.release {
            return Err(Error::ManifestMismatch { stated: manifest.release, computed });
        }
        Ok(manifest)
    }

    /// The manifest as JSON: indented by two spaces, keys in a fixed order, a newline at the end.
    ///
    /// # Errors
    /// None in practice: every key is a string. The signature leaves the decision to the caller.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        let malformed = |source| Error::MalformedManifest { source };
        let mut json = serde_json::to_vec_pretty(self).map_err(malformed)?;
        json.push(b'\n');
        Ok(json)
    }

    /// The release that it describes.
    pub fn release(&self) -> &ReleaseId {
        &self.release
    }

    /// The files of the release by their path below `releases/<id>/`, without the manifest itself
    /// and the release's pointer.
    pub fn files(&self) -> &BTreeMap<ReleasePath, Content> {
        &self.files
    }

    /// The logs of the builds by their path below `releases/<id>/`. The id does not cover them:
    /// what was built before, or elsewhere, has another log, and is the same release.
    pub fn logs(&self) -> &BTreeMap<ReleasePath, Content> {
        &self.logs
    }

    /// The paths below `releases/<id>/` of all that is the release's own there, but for the manifest
    /// itself and the release's pointer: files and logs.
    pub fn own_paths(&self) -> impl Iterator<Item = &ReleasePath> {
        self.files.keys().chain(self.logs.keys())
    }

    /// The sizes in bytes of the blobs that the release's scripts name.
    pub fn blobs(&self) -> &BTreeMap<Sha256Digest, u64> {
        &self.blobs
    }

    /// What `releases/<id>/pointer.ipxe` holds.
    pub fn pointer(&self) -> Content {
        self.pointer
    }

    /// The static entry points that the release needs, by their path below the target's root.
    pub fn entry_points(&self) -> &BTreeMap<ReleasePath, Content> {
        &self.entry_points
    }

    /// The images.
    pub fn images(&self) -> &BTreeMap<ProfileName, ImageManifest> {
        &self.images
    }

    /// Everything immutable that must lie at a target for the release to be whole, but for the
    /// manifest itself: by its path below the target's root.
    pub fn objects(&self) -> BTreeMap<ReleasePath, Content> {
        let in_release = |path: &ReleasePath| layout::in_release(&self.release, path);
        let files = self.files.iter().chain(&self.logs);
        let files = files.map(|(path, content)| (in_release(path), *content));
        let pointer = (in_release(&layout::release_pointer()), self.pointer);
        let blobs = self
            .blobs
            .iter()
            .map(|(sha256, size)| (layout::blob(sha256), Content { size: *size, sha256: *sha256 }));
        files.chain(std::iter::once(pointer)).chain(blobs).collect()
    }
}

/// What the id of a release covers: its files and blobs by path.
pub(crate) fn entries<'a>(
    files: &'a BTreeMap<ReleasePath, Content>,
    blobs: &'a BTreeMap<Sha256Digest, u64>,
) -> BTreeMap<String, &'a Sha256Digest> {
    let files = files.iter().map(|(path, content)| (path.to_string(), &content.sha256));
    let blobs = blobs.keys().map(|sha256| (layout::blob(sha256).into(), sha256));
    files.chain(blobs).collect()
}
