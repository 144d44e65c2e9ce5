//! What the publishing algorithm asks of a place that releases are published to.

mod capabilities;
mod entry;
mod lock;
mod upload;

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use netboot_core::{ArtifactReader, Context, ReleasePath};

pub use self::capabilities::Capabilities;
pub use self::entry::{Document, Entry, ListScope, Listed, Swap, Version};
pub use self::lock::StoreLock;
pub use self::upload::Upload;
use crate::error::Error;

/// The greatest size in bytes of an object that [`Store::read`] reads: 64 MiB. Pointers, entry
/// points and manifests are far smaller; what is larger is read with [`Store::open`].
pub const DOCUMENT_LIMIT: u64 = 64 * 1024 * 1024;

/// A place that releases are published to: a directory, a bucket, another machine's disk.
///
/// [`Publisher`](crate::Publisher) is the one algorithm over it. A new backend implements this
/// trait, runs the suite of the feature `contract`, and has everything: staging, activation,
/// rollback, verification, retention. Paths are relative to the root of the target, and hold no
/// character that needs escaping in a URL, a shell or a file system.
///
/// Everything works in batches, so that a backend may pipeline requests or hand one list to one
/// program. What a backend cannot do it says in [`capabilities`](Self::capabilities); the
/// algorithm then goes without and tells the caller.
///
/// # Contract
/// 1. An object that is sent is there whole or, until then, not at all; where another lay, every
///    reader gets the old bytes or the new ones.
/// 2. When `send` returns, all of the batch is there, also where other bytes lay under the name
///    (a damaged blob is sent again), and survives a crash of the machine. When it
///    fails or is dropped, each of the batch is there whole or not at all. Nothing is promised
///    about the order within a batch: what must come later goes into a later batch.
/// 3. What is sent has exactly the size and digest of its artifact. Bytes that differ are an
///    error ([`Error::DigestMismatch`] or the artifact's own), and are not put into place. Bytes
///    need not be hashed again where [`Artifact::open`](netboot_core::Artifact::open) vouches for
///    them before and after.
/// 4. `stat` tells of each path that exists what lies there, itself and not where it leads, and
///    leaves out those that do not.
/// 5. `list` finds every object in its scope, with the size and time that `stat` gives; also
///    those whose names no [`ReleasePath`] has. What the store keeps for itself is not listed.
/// 6. `read` and `open` give the object's bytes, `None` where there is none. `read` refuses what
///    is larger than [`DOCUMENT_LIMIT`] with [`Error::TooLarge`].
/// 7. `swap` replaces the object at once if its version is still `expected` (`None`: if there is
///    none yet), else it changes nothing and says so. Of several at once, one succeeds. A store
///    without `compare_and_swap` replaces whatever there is.
/// 8. A version changes whenever the bytes do.
/// 9. `delete` removes objects and links; what is gone already is no error. When it returns,
///    none of the batch is there.
/// 10. `link` makes each path a symbolic link with that target, at once, in place of an object or
///     link that is there. A store without `links` fails with [`Error::LinksUnsupported`].
/// 11. Of those who hold the lock, there is one at a time, over all processes and machines that
///     publish to this target. The lock ends with its guard and with the process. A store without
///     `lock` gives a guard that excludes nobody.
/// 12. Errors name the path or the URL. A cancelled context ends `send`, `delete` and `lock` soon
///     with [`Error::Cancelled`]; dropping a future does the same. Nothing half-written stays
///     behind that anyone would take for an object.
/// 13. `send` reports progress in bytes for each upload, and at its end the whole size.
///
/// A store that only changes some of what another one does is a [`StoreLayer`](crate::StoreLayer).
/// An [`Arc`](std::sync::Arc) of a store is a store, and so is a `Box<dyn Store>`.
///
/// ```
/// use netboot_core::Context;
/// use netboot_publish::{ListScope, MemoryStore, Publisher, Store};
/// # use netboot_publish::contract::sample_release;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let release = sample_release("one");
/// let store = MemoryStore::new();
/// Publisher::new(store.clone()).publish(&release, &Context::new()).await?;
/// for listed in store.list(&ListScope::Root).await? {
///     println!("{}", listed.path);
/// }
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Store: fmt::Debug + fmt::Display + Send + Sync {
    /// What the store can do. The answer does not change.
    fn capabilities(&self) -> Capabilities;

    /// What lies at each of `paths`; those where nothing lies are left out.
    ///
    /// # Errors
    /// When the target cannot be reached or read.
    async fn stat(&self, paths: &[ReleasePath]) -> Result<BTreeMap<ReleasePath, Entry>, Error>;

    /// Everything in `scope`.
    ///
    /// # Errors
    /// When the target cannot be reached or read.
    async fn list(&self, scope: &ListScope) -> Result<Vec<Listed>, Error>;

    /// The bytes of a small object, and their version.
    ///
    /// # Errors
    /// [`Error::TooLarge`]; when the target cannot be reached or read.
    async fn read(&self, path: &ReleasePath) -> Result<Option<Document>, Error>;

    /// A reader of an object of any size.
    ///
    /// # Errors
    /// When the target cannot be reached or read.
    async fn open(&self, path: &ReleasePath) -> Result<Option<ArtifactReader>, Error>;

    /// Puts a batch of objects into place.
    ///
    /// # Errors
    /// When one cannot be read or written; see the contract.
    async fn send(&self, uploads: Vec<Upload>, context: &Context) -> Result<(), Error>;

    /// Replaces a small object if it is still of the version `expected`.
    ///
    /// # Errors
    /// When the target cannot be reached or written. A conflict is not an error here.
    async fn swap(
        &self,
        path: &ReleasePath,
        expected: Option<&Version>,
        content: Bytes,
    ) -> Result<Swap, Error>;

    /// Removes a batch of objects and links.
    ///
    /// # Errors
    /// When the target cannot be reached or written.
    async fn delete(&self, paths: &[ReleasePath], context: &Context) -> Result<(), Error>;

    /// Makes symbolic links: path to target, relative to the directory that the link is in.
    ///
    /// # Errors
    /// [`Error::LinksUnsupported`]; when the target cannot be reached or written.
    async fn link(&self, links: &BTreeMap<ReleasePath, String>) -> Result<(), Error>;

    /// Waits until no other publisher holds the lock of this target, and takes it.
    ///
    /// # Errors
    /// [`Error::Cancelled`]; when the target cannot be reached or written.
    async fn lock(&self, context: &Context) -> Result<StoreLock, Error>;
}
