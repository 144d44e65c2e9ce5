//! The store in a bucket.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use netboot_core::{ArtifactReader, Context, ReleasePath};

use super::endpoint::url_below;
use super::key::Keys;
use super::lease::Leases;
use super::target::Target;
use super::{listing, look, object, send, swap};
use crate::error::Error;
use crate::store::{
    Answer, Capabilities, Document, Entry, ListScope, Listed, MissingFeature, Question, Store,
    StoreLock, Swap, Upload, Version,
};

/// A bucket of an S3-compatible object store, or the part of it below a prefix.
///
/// ```no_run
/// use netboot_publish::{Publisher, S3Keys, S3Store};
///
/// # async fn publish() -> Result<(), Box<dyn std::error::Error>> {
/// let store = S3Store::builder("boot")
///     .endpoint("https://s3.example.org")
///     .prefix("nixos")
///     .credentials(S3Keys::new("an access key", "its secret"))
///     .build()
///     .await?;
/// println!("machines chain {}", store.object_url(&"boot.ipxe".parse()?));
/// let publisher = Publisher::new(store);
/// # Ok(())
/// # }
/// ```
///
/// - **Compare-and-swap**: several real servers answer a conditional write with 200 and overwrite
///   the object. So [`build`](super::S3StoreBuilder::build) tests it once, and
///   [`capabilities`](Store::capabilities) returns the result. A version consists of the digest of
///   the bytes and the server's `ETag`. It changes with the bytes even if the server gives two
///   contents the same `ETag`.
/// - **Lock**: if the target can compare and swap, the lock is the object `.netboot/lock`. The
///   holder renews it. If it is not renewed during its lease
///   ([`lock_lease`](super::S3StoreBuilder::lock_lease)), for example because the holder was
///   killed, another publisher takes it over. The clocks of the machines are not compared. Dropping
///   the guard blocks the thread for one request, at most 5 s.
/// - **Memory**: objects are sent in parts. All objects that are sent at once together hold at most
///   4 parts of 6 MiB in memory by default. The store removes the parts of an object that is not
///   sent completely. [`abort_abandoned_uploads`](Self::abort_abandoned_uploads) or a lifecycle
///   rule of the bucket removes the parts of a publisher that was killed.
/// - **Checks**: each request contains the SHA-256 of its content for the server to check. The
///   store hashes an artifact that is not a file while it sends it. If conditional writes work, it
///   writes a blob only if the key is free (`If-None-Match`). Otherwise it reads and hashes the
///   existing blob, and overwrites it if it is damaged.
/// - **Web**: scripts are `text/plain`. Blobs and the scripts of a release may be cached forever,
///   and everything that changes is `no-cache`. Machines send unsigned requests: either a bucket
///   policy grants everyone `s3:GetObject` below the prefix, or a web server is in front of the
///   bucket, or the machines get a [`presigned_url`](Self::presigned_url).
/// - **Settings**: see [`S3StoreBuilder`](super::S3StoreBuilder).
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

    /// A store in the same bucket with another prefix. The two stores share connections, the memory
    /// limit, and what is known about the server.
    #[must_use]
    pub fn with_prefix(&self, prefix: Option<&ReleasePath>) -> Self {
        let keys = Keys::new(prefix);
        Self { target: Target { keys, ..self.target.clone() }, leases: self.leases.clone() }
    }

    /// The name of the bucket.
    pub fn bucket(&self) -> &str {
        &self.target.client.settings.bucket
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
        f.pad(
            url_below(&self.target.client.settings.bucket_url, self.target.keys.prefix()).as_str(),
        )
    }
}

#[async_trait]
impl Store for S3Store {
    fn capabilities(&self) -> Capabilities {
        Capabilities::none()
            .with_compare_and_swap(self.target.compare_and_swap)
            .with_lock(self.target.compare_and_swap)
            .with_partial_reads(true)
    }

    fn missing_features(&self) -> BTreeSet<MissingFeature> {
        let (target, mut missing) = (&self.target, MissingFeature::of(self.capabilities()));
        let others = [
            (MissingFeature::ConditionalCreate, target.compare_and_swap),
            (MissingFeature::ServerChecksums, target.checks_content),
            (MissingFeature::BatchDeletion, target.client.deletes_batches()),
        ];
        missing.extend(others.into_iter().filter(|(_, able)| !able).map(|(feature, _)| feature));
        missing
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

    async fn open_range(
        &self,
        path: &ReleasePath,
        range: Range<u64>,
    ) -> Result<Option<ArtifactReader>, Error> {
        object::open_range(&self.target, path, range).await
    }

    async fn look(&self, question: &Question) -> Result<Answer, Error> {
        look::look(&self.target, question).await
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
        self.target.confirm().await?;
        let lock = self.leases.lock(self.target.keys.own("lock"), context).await;
        self.target.believe(lock).await
    }
}
