//! A store path in an index.

use crate::sha256::Sha256;
use crate::store_path::StorePath;

/// A store path of a closure, and the blob that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a line of the index has these parts and no others")]
pub struct IndexEntry {
    /// The store path.
    pub path: StorePath,
    /// The digest of the blob: the path's archive, compressed with zstd.
    pub blob: Sha256,
    /// The size of the blob in bytes.
    pub blob_size: u64,
    /// The digest of the archive before compression.
    pub nar_hash: Sha256,
    /// The size of the archive before compression, in bytes.
    pub nar_size: u64,
    /// The size of the files in bytes, each in whole pages.
    pub unpacked_bytes: u64,
    /// The number of files, directories and symbolic links.
    pub inodes: u64,
    /// The derivation that built the path, if it is known.
    pub deriver: Option<StorePath>,
    /// The store paths that the path refers to, perhaps itself among them.
    pub references: Vec<StorePath>,
}
