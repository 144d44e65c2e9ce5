//! The store in a bucket.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use netboot_core::{ArtifactReader, Context, ReleasePath};

use super::endpoint::below;
use super::key::Keys;
use super::lease::Leases;
use super::target::Target;
use super::{listing, object, send, swap};
use crate::error::Error;
use crate::store::{
    Capabilities, Document, Entry, ListScope, Listed, Store, StoreLock, Swap, Upload, Version,
};

/// A bucket of an S3-compatible object store, or what is below a prefix in it.
///
/// ```no_run
/// use netboot_publish::{Publisher, S3Keys, S3Store};
///
/// # async fn publish() -> Result<(), Box<dyn std::error::Error>> {
/// let store = S3Store::builder("boot")
///     .endpoint("https://s3.example.org")
///     .prefix("nixos".parse()?)
///     .credentials(S3Keys::new("an access key", "its secret"))
///     .build()
///     .await?;
/// println!("machines chain {}", store.object_url(&"boot.ipxe".parse()?));
/// let publisher = Publisher::new(store);
/// # Ok(())
/// # }
/// ```
///
/// - **Compare-and-swap is tried, not assumed**: several real servers answer 200 to a conditional
///   write and overwrite. [`build`](S3StoreBuilder::build) tries it once, and
///   [`capabilities`](Store::capabilities) says how it went. A version is the digest of the bytes
///   with the server's `ETag`, so that it changes with the bytes even where a server gives two
///   contents one `ETag`.
/// - **The lock** is the object `.netboot/lock`, where the target can compare and swap. It is
///   renewed while it is held, and taken over when it was not renewed for the time of its lease
///   ([`lock_lease`](S3StoreBuilder::lock_lease)), as after a publisher was killed; no clocks are
///   compared. When its guard is dropped, the thread waits for one request, at most 5 s.
/// - **Memory**: what is sent is held in parts, by default 4 of 6 MiB for all that is sent at once.
///   Parts of objects that are not sent to their end are removed; those of a publisher that was
///   killed are by [`abort_abandoned_uploads`](Self::abort_abandoned_uploads), or by a lifecycle
///   rule of the bucket.
/// - **Bytes**: each request has the SHA-256 of what it sends, for the server to check, and an
///   artifact that is not a file is hashed while it is sent. Where preconditions hold, a blob is
///   written only where none is (`If-None-Match`); one that is there is read and hashed, and
///   written over if it is damaged.
/// - **Web**: scripts are `text/plain`; blobs and a release's scripts may be cached for ever, and
///   all that changes is `no-cache`. Machines read without a signature: let a policy of the bucket
///   give everyone `s3:GetObject` below the prefix, or a web server before it; or give them
///   [`presigned_url`](Self::presigned_url).
/// - **Settings**: what can be set is at [`S3StoreBuilder`].
#[derive(Clone)]
pub struct S3Store {
    pub(super) target: Target,
    leases: Arc<Leases>,
}

impl S3Store {
    pub(super) fn new(target: Target) -> Self {
        let leases = Arc::new(Leases::new(target.client.settings.clone()));
        Self { target, leases }
    }

    /// The same bucket with another prefix: another target. The two share connections, the bound
    /// on memory, and what was found out about the server.
    #[must_use]
    pub fn with_prefix(&self, prefix: Option<&ReleasePath>) -> Self {
        let keys = Keys::new(prefix);
        Self { target: Target { keys, ..self.target.clone() }, leases: self.leases.clone() }
    }

    /// The bucket.
    pub fn bucket(&self) -> &str {
        &self.target.client.settings.bucket
    }

    /// A reader of a part of an object: of the bytes from `range.start` up to, and without,
    /// `range.end`.
    ///
    /// # Errors
    /// [`Error::S3`] when the target cannot be read, or the object is shorter.
    pub async fn open_range(
        &self,
        path: &ReleasePath,
        range: Range<u64>,
    ) -> Result<Option<ArtifactReader>, Error> {
        object::open(&self.target, path, Some(range)).await
    }
}

impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Store")
            .field("settings", &self.target.client.settings)
            .field("prefix", &self.target.keys.prefix())
            .field("compare_and_swap", &self.target.compare_and_swap)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(below(&self.target.client.settings.bucket_url, self.target.keys.prefix()).as_str())
    }
}

#[async_trait]
impl Store for S3Store {
    fn capabilities(&self) -> Capabilities {
        Capabilities::none()
            .with_compare_and_swap(self.target.compare_and_swap)
            .with_lock(self.target.compare_and_swap)
    }

    async fn stat(&self, paths: &[ReleasePath]) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
        listing::stat(&self.target, paths).await
    }

    async fn list(&self, scope: &ListScope) -> Result<Vec<Listed>, Error> {
        listing::list(&self.target, scope).await
    }

    async fn read(&self, path: &ReleasePath) -> Result<Option<Document>, Error> {
        object::read(&self.target, path).await
    }

    async fn open(&self, path: &ReleasePath) -> Result<Option<ArtifactReader>, Error> {
        object::open(&self.target, path, None).await
    }

    async fn send(&self, uploads: Vec<Upload>, context: &Context) -> Result<(), Error> {
        send::send(&self.target, uploads, context).await
    }

    async fn swap(
        &self,
        path: &ReleasePath,
        expected: Option<&Version>,
        content: Bytes,
    ) -> Result<Swap, Error> {
        swap::swap(&self.target, path, expected, content).await
    }

    async fn delete(&self, paths: &[ReleasePath], context: &Context) -> Result<(), Error> {
        object::delete(&self.target, paths, context).await
    }

    async fn link(&self, _links: &BTreeMap<ReleasePath, String>) -> Result<(), Error> {
        Err(Error::LinksUnsupported { store: self.to_string() })
    }

    async fn lock(&self, context: &Context) -> Result<StoreLock, Error> {
        context.check()?;
        if !self.target.compare_and_swap {
            return Ok(StoreLock::none());
        }
        self.leases.lock(self.target.keys.own("lock"), context).await
    }
}
