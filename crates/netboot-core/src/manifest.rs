//! The manifest of a release: the list of its files, published with them.

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

/// The version of the manifest's format that this library writes, and the only one that it reads.
const MANIFEST_VERSION: u64 = 1;

/// The size and the digest of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a size and a digest identify the bytes")]
pub struct Content {
    /// The size in bytes.
    pub size: u64,
    /// The digest.
    pub sha256: Sha256Digest,
}

impl Content {
    /// Returns the size and the digest of an artifact.
    pub fn of(artifact: &dyn Artifact) -> Self {
        Self { size: artifact.size(), sha256: artifact.sha256() }
    }
}

/// The record of a part of an image: its name for people, its size and its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FileRecord {
    /// The file's name, such as `bzImage`.
    pub file_name: FileName,
    /// The size in bytes.
    pub size: u64,
    /// The digest. A kernel or initrd is published at `blobs/<sha256>`.
    pub sha256: Sha256Digest,
}

impl FileRecord {
    /// Creates the record of a file from its name and its content.
    pub fn new(file_name: FileName, content: Content) -> Self {
        Self { file_name, size: content.size, sha256: content.sha256 }
    }

    /// Creates the record of an artifact.
    pub fn of(artifact: &dyn Artifact) -> Self {
        Self {
            file_name: artifact.file_name().clone(),
            size: artifact.size(),
            sha256: artifact.sha256(),
        }
    }
}

/// The description of an image in a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ImageManifest {
    /// The title that a menu shows for the image.
    pub title: Title,
    /// The services that the image provides.
    pub services: Vec<ServiceName>,
    /// The way to start the image: architecture, `init` and kernel parameters.
    pub boot: BootSpec,
    /// The kernel.
    pub kernel: FileRecord,
    /// The initrds, in order.
    pub initrds: Vec<FileRecord>,
    /// The log of the build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_log: Option<FileRecord>,
    /// The origin of the image.
    pub provenance: Provenance,
}

/// The list of all files of a release, with their sizes and digests.
///
/// It is written as JSON with sorted keys and without a time, so equal releases have equal
/// manifests, byte for byte. The release's id covers `files` and `blobs`. `images` and `logs` only
/// explain them.
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

/// The version of a manifest, which may have any other fields.
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
    /// [`Error::ManifestVersion`] for another version, [`Error::MalformedManifest`],
    /// [`Error::ManifestMismatch`] if the id is not the digest of the entries.
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
        &self.release
    }

    /// The files of the release by their path below `releases/<id>/`, without the manifest and the
    /// release's pointer.
    pub fn files(&self) -> &BTreeMap<ReleasePath, Content> {
        &self.files
    }

    /// The logs of the builds by their path below `releases/<id>/`. The id does not cover the logs,
    /// because a second build of the same release has another log.
    pub fn logs(&self) -> &BTreeMap<ReleasePath, Content> {
        &self.logs
    }

    /// Returns the paths of the files and logs below `releases/<id>/`.
    pub fn own_paths(&self) -> impl Iterator<Item = &ReleasePath> {
        self.files.keys().chain(self.logs.keys())
    }

    /// The sizes in bytes of the blobs that the release's scripts name.
    pub fn blobs(&self) -> &BTreeMap<Sha256Digest, u64> {
        &self.blobs
    }

    /// The content of `releases/<id>/pointer.ipxe`.
    pub fn pointer(&self) -> Content {
        self.pointer
    }

    /// The static entry points that the release needs, by their path below the root of the target.
    pub fn entry_points(&self) -> &BTreeMap<ReleasePath, Content> {
        &self.entry_points
    }

    /// The images by their profiles.
    pub fn images(&self) -> &BTreeMap<ProfileName, ImageManifest> {
        &self.images
    }

    /// Returns the immutable objects that a complete release has at a target, by their path below
    /// the root of the target. The manifest itself is not among them.
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

/// Returns the entries that the id of a release covers: its files and blobs by path.
pub(crate) fn entries<'a>(
    files: &'a BTreeMap<ReleasePath, Content>,
    blobs: &'a BTreeMap<Sha256Digest, u64>,
) -> BTreeMap<String, &'a Sha256Digest> {
    let files = files.iter().map(|(path, content)| (path.to_string(), &content.sha256));
    let blobs = blobs.keys().map(|sha256| (layout::blob(sha256).into(), sha256));
    files.chain(blobs).collect()
}
