//! The size and the digest of a file, and its record in a manifest.

use serde::{Deserialize, Serialize};

use crate::artifact::Artifact;
use crate::digest::Sha256Digest;
use crate::name::FileName;

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

    /// Returns the size and the digest of bytes in memory.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self { size: bytes.len() as u64, sha256: Sha256Digest::of(bytes) }
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
    /// The digest. A kernel, initrd or UKI is published at `blobs/<sha256>`.
    pub sha256: Sha256Digest,
}

impl FileRecord {
    /// Creates the record of a file from its name and its content.
    pub fn new(file_name: FileName, content: Content) -> Self {
        Self { file_name, size: content.size, sha256: content.sha256 }
    }

    /// Creates the record of an artifact.
    pub fn of(artifact: &dyn Artifact) -> Self {
        Self::new(artifact.file_name().clone(), Content::of(artifact))
    }

    /// The size and the digest.
    pub fn content(&self) -> Content {
        Content { size: self.size, sha256: self.sha256 }
    }
}
