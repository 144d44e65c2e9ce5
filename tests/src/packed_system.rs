//! A system that was packed.

use netboot_closure::{Index, IndexEntry};
use netboot_core::{Closure, Sha256Digest, layout};

/// A packed system.
#[derive(Debug, Clone)]
pub struct PackedSystem {
    /// The index of its closure.
    pub index: Index,
    /// The closure.
    pub closure: Closure,
}

impl PackedSystem {
    /// The path of the blob of a store path, below the root of a target, by the path's name.
    pub fn blob(&self, name: &str) -> String {
        let digest = Sha256Digest::from_bytes(*self.entry(name).blob.as_bytes());
        layout::blob(&digest).to_string()
    }

    /// The size of the blob of a store path in bytes, by the path's name.
    pub fn blob_size(&self, name: &str) -> u64 {
        self.entry(name).blob_size
    }

    fn entry(&self, name: &str) -> &IndexEntry {
        let mut entries = self.index.entries().iter();
        entries.find(|entry| entry.path.name() == name).unwrap()
    }

    /// The bytes that a machine fetches which has nothing yet.
    pub fn fetched_bytes(&self) -> u64 {
        self.index.blob_bytes() + self.closure.index.size()
    }

    /// The paths of all blobs of store paths, below the root of a target.
    pub fn paths(&self) -> impl Iterator<Item = String> {
        self.closure.blobs.iter().map(|blob| layout::blob(&blob.sha256()).to_string())
    }

    /// The path of the index's blob.
    pub fn index_path(&self) -> String {
        layout::blob(&self.closure.index.sha256()).to_string()
    }

    /// The registration that the machine must have.
    pub fn registration(&self) -> String {
        let mut text = String::new();
        self.index.write_registration(&mut text).unwrap();
        text
    }
}
