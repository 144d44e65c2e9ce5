//! Places on the machine that keep blobs from one boot to the next.

use std::fmt;
use std::io::{self, Read, Write};

use netboot_closure::Sha256;

/// A place that keeps blobs from one boot to the next, such as a disk.
///
/// A cache needs no trust: the caller hashes what it reads from a cache, as it does with bytes
/// from the network. Several threads use one cache at the same time, each with another blob. A
/// cache that fails must never make a boot fail, so the methods have few errors: a blob that cannot
/// be read is a blob that the cache does not have.
pub trait BlobCache: fmt::Debug + Send + Sync {
    /// Opens a blob, or returns `None` if the cache does not have it with this size in bytes.
    fn open(&self, digest: &Sha256, size: u64) -> Option<Box<dyn Read + Send>>;

    /// Forgets a blob. The caller read it with [`open`](Self::open), and it was damaged.
    fn discard(&self, digest: &Sha256);

    /// Begins to keep a blob of this size in bytes that comes from the network, or returns `None`
    /// if there is no room for it.
    fn writer(&self, digest: &Sha256, size: u64) -> Option<Box<dyn BlobWriter>>;
}

/// Writes one blob into a cache. A writer that is dropped without [`commit`](Self::commit) leaves
/// nothing in the cache.
///
/// After an error of writing the caller drops the writer, and the boot goes on.
pub trait BlobWriter: Write + Send {
    /// Keeps the blob. The caller wrote all of it, and its digest was right.
    ///
    /// # Errors
    /// If the cache cannot be written. The caller ignores the reason, except for a message.
    fn commit(self: Box<Self>) -> io::Result<()>;
}

/// A cache that has nothing and keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has no parts")]
pub struct NoCache;

impl BlobCache for NoCache {
    fn open(&self, _: &Sha256, _: u64) -> Option<Box<dyn Read + Send>> {
        None
    }

    fn discard(&self, _: &Sha256) {}

    fn writer(&self, _: &Sha256, _: u64) -> Option<Box<dyn BlobWriter>> {
        None
    }
}
