//! The store paths that a machine fetches by itself, and their record in a manifest.

use std::collections::BTreeMap;
use std::iter;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::artifact::Artifact;
use crate::artifact_kind::ArtifactKind;
use crate::content::Content;
use crate::digest::Sha256Digest;
use crate::error::Error;
use crate::name::ProfileName;

/// The maximum size of an index in bytes. Machines read the index into memory.
const INDEX_LIMIT: u64 = 64 * 1024 * 1024;

/// The files from which the program in an image's initrd assembles the system: an index, and one
/// blob for each store path.
///
/// The index names the blobs by their digests. The release's script pins the index by its digest on
/// the kernel command line, so a machine can check every byte that it fetches. `netboot-closure`
/// defines the formats. A publisher does not read them.
///
/// ```
/// use std::sync::Arc;
/// use netboot_core::{ArtifactKind, BytesArtifact, Closure, FileName};
///
/// let bytes = |kind, name, bytes: &'static [u8]| {
///     let artifact = BytesArtifact::new(kind, name, bytes)?;
///     Ok::<_, netboot_core::Error>(Arc::new(artifact))
/// };
/// let closure = Closure {
///     index: bytes(ArtifactKind::ClosureIndex, "index", b"...")?,
///     blobs: vec![bytes(ArtifactKind::StorePath, "glibc", b"...")?],
///     unpacked_bytes: 8192,
///     inodes: 2,
/// };
/// assert_eq!(closure.size(), 6);
/// # Ok::<(), netboot_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "a closure consists of these parts")]
pub struct Closure {
    /// The index.
    pub index: Arc<dyn Artifact>,
    /// The blobs of the store paths. The order does not matter.
    pub blobs: Vec<Arc<dyn Artifact>>,
    /// The memory that the unpacked files take, in bytes of whole pages.
    pub unpacked_bytes: u64,
    /// The number of unpacked files, directories and links.
    pub inodes: u64,
}

impl Closure {
    /// Returns the artifacts: the index, then the blobs.
    pub fn artifacts(&self) -> impl Iterator<Item = &Arc<dyn Artifact>> {
        iter::once(&self.index).chain(&self.blobs)
    }

    /// Returns the number of bytes that a machine fetches which has nothing yet.
    pub fn size(&self) -> u64 {
        self.manifest().size()
    }

    /// Returns the description of the closure for a manifest.
    pub fn manifest(&self) -> ClosureManifest {
        ClosureManifest {
            index: Content::of(self.index.as_ref()),
            unpacked_bytes: self.unpacked_bytes,
            inodes: self.inodes,
            blobs: self.blobs.iter().map(|blob| (blob.sha256(), blob.size())).collect(),
        }
    }

    /// Creates the closure that a manifest describes. `artifact` returns the artifact for a
    /// content.
    pub(crate) fn from_manifest(
        manifest: &ClosureManifest,
        artifact: impl Fn(ArtifactKind, Content) -> Arc<dyn Artifact>,
    ) -> Self {
        let blobs = manifest.blobs.iter().map(|(sha256, size)| {
            artifact(ArtifactKind::StorePath, Content { size: *size, sha256: *sha256 })
        });
        Self {
            index: artifact(ArtifactKind::ClosureIndex, manifest.index),
            blobs: blobs.collect(),
            unpacked_bytes: manifest.unpacked_bytes,
            inodes: manifest.inodes,
        }
    }
}

/// The description of a [`Closure`] in a manifest. The release's id covers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ClosureManifest {
    /// The index, which is published at `blobs/<sha256>`.
    pub index: Content,
    /// The memory that the unpacked files take, in bytes of whole pages.
    pub unpacked_bytes: u64,
    /// The number of unpacked files, directories and links.
    pub inodes: u64,
    /// The sizes in bytes of the store paths' blobs. Store paths with equal blobs share one.
    pub blobs: BTreeMap<Sha256Digest, u64>,
}

impl ClosureManifest {
    /// Returns the size and the digest of each file: the index, then the blobs.
    pub fn contents(&self) -> impl Iterator<Item = Content> {
        let blobs = self.blobs.iter();
        let blobs = blobs.map(|(sha256, size)| Content { size: *size, sha256: *sha256 });
        iter::once(self.index).chain(blobs)
    }

    /// Returns the number of bytes that a machine fetches which has nothing yet.
    pub fn size(&self) -> u64 {
        self.contents().fold(0, |sum, content| sum.saturating_add(content.size))
    }

    /// Checks that a machine can fetch a closure of this description.
    pub(crate) fn check(&self, profile: &ProfileName) -> Result<(), Error> {
        if self.blobs.is_empty() {
            return Err(Error::IncompleteImage { profile: profile.clone(), missing: "store path" });
        }
        if let Some(empty) = self.contents().find(|content| content.size == 0) {
            let kind = if empty == self.index {
                ArtifactKind::ClosureIndex
            } else {
                ArtifactKind::StorePath
            };
            return Err(Error::EmptyArtifact { kind, path: empty.sha256.to_string().into() });
        }
        if self.index.size > INDEX_LIMIT {
            let (found, limit) = (self.index.size, INDEX_LIMIT);
            return Err(Error::ReleaseTooLarge { what: "bytes in an index", found, limit });
        }
        Ok(())
    }
}
