//! The interface between the publishing algorithm and a target.

mod capabilities;
mod entry;
mod lock;
pub(crate) mod missing_feature;
mod question;
mod upload;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use netboot_core::{ArtifactReader, Context, ReleasePath};
use tokio::io::AsyncReadExt;

pub use self::capabilities::Capabilities;
pub use self::entry::{Document, Entry, ListScope, Listed, Swap, Version};
pub use self::lock::StoreLock;
pub use self::missing_feature::MissingFeature;
pub use self::question::{Answer, Question};
pub use self::upload::Upload;
use crate::error::Error;

/// The maximum size in bytes of an object that [`Store::read`] reads: 64 MiB. Pointers, entry
/// points and manifests are far smaller. Use [`Store::open`] for larger objects.
pub const DOCUMENT_LIMIT: u64 = 64 * 1024 * 1024;

/// A target, the place that releases are published to: a directory, a bucket, another machine's
/// disk.
///
/// [`Publisher`](crate::Publisher) is the one algorithm over all stores. A new backend implements
/// this trait and runs the suite of the feature `contract`. It then has staging, activation,
/// rollback, verification and retention. Paths are relative to the root of the target, and contain
/// no character that needs escaping in a URL, a shell or a file system.
///
/// The methods take batches, so that a backend can pipeline requests or pass one list to one
/// program. A backend declares in [`capabilities`](Self::capabilities) what it cannot do. The
/// algorithm then works without it and tells the caller.
///
/// # Contract
/// 1. `send` puts each object into place atomically: a reader sees the whole object or none. If an
///    object with other bytes was there, a reader sees the old bytes or the new ones.
/// 2. When `send` returns, every object of the batch is in place and survives a crash of the
///    machine. It replaces other bytes under the same name, so that a damaged blob can be sent
///    again. If `send` fails or is dropped, each object of the batch is in place whole or not at
///    all. The order within a batch is not defined: put later objects into a later batch.
/// 3. An object in place has exactly the size and digest of its artifact. Other bytes are an error
///    ([`Error::DigestMismatch`] or the artifact's own) and are not put into place. A store need
///    not hash bytes that [`Artifact::open`](netboot_core::Artifact::open) confirms before and
///    after the copy.
/// 4. `stat` returns an entry for each path that exists, and leaves out the others. It does not
///    follow links.
/// 5. `list` returns every object in its scope with the size and time that `stat` returns, also
///    objects with names that are not valid in a [`ReleasePath`]. It leaves out the store's own
///    objects.
/// 6. `read` and `open` return the object's bytes, or `None` if there is no object. `read` fails
///    with [`Error::TooLarge`] if the object is larger than [`DOCUMENT_LIMIT`]. `open_range`
///    returns those bytes of the object that are in the range, which may be none.
/// 7. `swap` atomically replaces the object if it still has the version `expected`, or, for `None`,
///    if there is no object. Otherwise it changes nothing and returns a conflict. If several calls
///    compete, one succeeds. A store without `compare_and_swap` always replaces the object.
///    `swap_and_delete` also removes objects, unless there is a conflict.
/// 8. The version changes whenever the bytes change.
/// 9. `delete` removes objects and links. A missing object is not an error. When `delete` returns,
///    no object of the batch exists.
/// 10. `link` atomically replaces each path by a symbolic link to its target. A store without
///     `links` fails with [`Error::LinksUnsupported`].
/// 11. At most one publisher holds the lock at a time, across all processes and machines that
///     publish to this target. Dropping the guard or ending the process releases the lock. A store
///     without `lock` returns a guard that keeps nobody out.
/// 12. Errors name the path or the URL. If the context is cancelled, `send`, `delete` and `lock`
///     soon end with [`Error::Cancelled`]; dropping the future ends them too. A half-written file
///     never stays behind under a name that could be an object's.
/// 13. `send` reports progress in bytes for each upload, and reports the full size at the end.
/// 14. `Display` names the place for people. `place` names it for programs: it is the same for
///     every way to write the place, so that a memory of pointers knows it again. The capabilities
///     never change. `missing_features` names those that the store does not have, and may name more
///     features later.
/// 15. `look` answers with the entries that `stat` returns for all paths of the question, and with
///     the documents that `read` returns. It leaves out a document that is no object or that is too
///     large. Each part of the answer is from a moment after the call began. The sizes that the
///     caller expects change nothing in the answer.
/// 16. `send_in_order` puts no object into place before all objects of the earlier batches are in
///     place. Where one of them cannot be written, `send_in_order` fails, and may have put later
///     ones into place.
///
/// To change some methods of another store, implement [`StoreLayer`](crate::StoreLayer). An
/// [`Arc`](std::sync::Arc) of a store is a store, and so is a `Box<dyn Store>`.
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
    /// The capabilities of the store. They never change.
    fn capabilities(&self) -> Capabilities;

    /// The features that the target lacks, as far as the store knows now. Some show only when they
    /// are needed, such as a program on the far side that refuses an option. The receipt tells
    /// them. The default is what the capabilities lack.
    fn missing_features(&self) -> BTreeSet<MissingFeature> {
        MissingFeature::of(self.capabilities())
    }

    /// The name of the place. It is the same for every way to write the place, as far as this
    /// machine can tell. The default is the text of `Display`.
    ///
    /// # Errors
    /// If the target cannot be reached or read.
    async fn place(&self) -> Result<String, Error> {
        Ok(self.to_string())
    }

    /// The entries at `paths`. Paths without an entry are left out.
    ///
    /// # Errors
    /// If the target cannot be reached or read.
    async fn stat(&self, paths: &[ReleasePath]) -> Result<BTreeMap<ReleasePath, Entry>, Error>;

    /// All entries in `scope`.
    ///
    /// # Errors
    /// If the target cannot be reached or read.
    async fn list(&self, scope: &ListScope) -> Result<Vec<Listed>, Error>;

    /// The bytes and the version of a small object.
    ///
    /// # Errors
    /// [`Error::TooLarge`], or if the target cannot be reached or read.
    async fn read(&self, path: &ReleasePath) -> Result<Option<Document>, Error>;

    /// A reader of an object of any size.
    ///
    /// # Errors
    /// If the target cannot be reached or read.
    async fn open(&self, path: &ReleasePath) -> Result<Option<ArtifactReader>, Error>;

    /// A reader of a part of an object: of the bytes from `range.start` up to, but not including,
    /// `range.end`. Bytes after the object's end are left out.
    ///
    /// By default, this opens the object and skips the bytes before the range.
    ///
    /// # Errors
    /// If the target cannot be reached or read.
    async fn open_range(
        &self,
        path: &ReleasePath,
        range: Range<u64>,
    ) -> Result<Option<ArtifactReader>, Error> {
        let Some(mut reader) = self.open(path).await? else { return Ok(None) };
        let mut before = (&mut reader).take(range.start);
        let skipped = tokio::io::copy(&mut before, &mut tokio::io::sink()).await;
        skipped.map_err(|source| Error::io("read", path.as_str(), source))?;
        Ok(Some(Box::pin(reader.take(range.end.saturating_sub(range.start)))))
    }

    /// The entries at many paths, and the bytes of small objects at others, in one answer. The
    /// default asks `stat` and `read` at the same time. A store for which each question costs a
    /// connection or a program answers everything at once.
    ///
    /// # Errors
    /// If the target cannot be reached or read.
    async fn look(&self, question: &Question) -> Result<Answer, Error> {
        let paths: Vec<ReleasePath> = question.paths().cloned().collect();
        question.answer_by(self.stat(&paths), |path| self.read(path)).await
    }

    /// Sends a batch of objects and puts them into place.
    ///
    /// # Errors
    /// If an artifact cannot be read or an object cannot be written; see the contract.
    async fn send(&self, uploads: Vec<Upload>, context: &Context) -> Result<(), Error>;

    /// Sends batches of objects, one after another. The default calls `send` for each batch. A
    /// store that keeps an order of its own may send several batches at once.
    ///
    /// # Errors
    /// The errors of [`send`](Self::send).
    async fn send_in_order(
        &self,
        batches: Vec<Vec<Upload>>,
        context: &Context,
    ) -> Result<(), Error> {
        for batch in batches {
            self.send(batch, context).await?;
        }
        Ok(())
    }

    /// Replaces a small object if it still has the version `expected`.
    ///
    /// # Errors
    /// If the target cannot be reached or written. A conflict is not an error.
    async fn swap(
        &self,
        path: &ReleasePath,
        expected: Option<&Version>,
        content: Bytes,
    ) -> Result<Swap, Error>;

    /// Replaces an object as [`swap`](Self::swap) does and, if it did, removes the objects in
    /// `unneeded`. The default calls `swap` and then `delete`.
    ///
    /// # Errors
    /// If the target cannot be reached or written. The object may then have been replaced.
    async fn swap_and_delete(
        &self,
        path: &ReleasePath,
        expected: Option<&Version>,
        content: Bytes,
        unneeded: &[ReleasePath],
    ) -> Result<Swap, Error> {
        let swap = self.swap(path, expected, content).await?;
        if swap == Swap::Done && !unneeded.is_empty() {
            self.delete(unneeded, &Context::new()).await?;
        }
        Ok(swap)
    }

    /// Removes a batch of objects and links.
    ///
    /// # Errors
    /// If the target cannot be reached or written.
    async fn delete(&self, paths: &[ReleasePath], context: &Context) -> Result<(), Error>;

    /// Creates symbolic links. The map gives for each path its target, relative to the directory
    /// that the link is in.
    ///
    /// # Errors
    /// [`Error::LinksUnsupported`], or if the target cannot be reached or written.
    async fn link(&self, links: &BTreeMap<ReleasePath, String>) -> Result<(), Error>;

    /// Waits until no other publisher holds the lock of this target, and acquires it.
    ///
    /// # Errors
    /// [`Error::Cancelled`], or if the target cannot be reached or written.
    async fn lock(&self, context: &Context) -> Result<StoreLock, Error>;
}
