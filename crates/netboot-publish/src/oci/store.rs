//! The store in a repository of a registry.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use netboot_core::{ArtifactReader, Context, ReleasePath};
use url::Url;

use super::target::Target;
use super::{look, reading, send, swap, tidy};
use crate::error::Error;
use crate::store::{
    Answer, Capabilities, Document, Entry, ListScope, Listed, Question, Store, StoreLock, Swap,
    Upload, Version,
};

/// A repository of a registry that speaks the [OCI distribution API][spec].
///
/// [spec]: https://github.com/opencontainers/distribution-spec/blob/main/spec.md
///
/// ```no_run
/// use netboot_publish::{OciCredentials, OciStore, Publisher};
///
/// # async fn publish() -> Result<(), Box<dyn std::error::Error>> {
/// let store = OciStore::builder("registry.example.org/boot/nixos")
///     .credentials(OciCredentials::password("boot", "a secret"))
///     .build()
///     .await?;
/// let publisher = Publisher::new(store);
/// # Ok(())
/// # }
/// ```
///
/// # What is where
/// The bytes of each object are a blob of the repository, so the registry has equal bytes once and
/// gets them once. Artifacts name the objects: image manifests, whose layers have the object's path
/// in the annotation `org.opencontainers.image.title`.
///
/// | tag | artifact type | objects |
/// |---|---|---|
/// | `file-current.ipxe`, `file-worker_netboot.ipxe` | `application/vnd.netboot.file.v1` | one pointer or entry point, whose text is in the manifest as well |
/// | `part-…` | `application/vnd.netboot.part.v1` | what was sent together: the files of a release that is not whole yet, or blobs |
/// | `summary-…` | `application/vnd.netboot.summary.v1` | none: it is a compressed copy of what 32 parts say |
/// | `part-…` and `release-<id>` | `application/vnd.netboot.release.v1` | a whole release: its `manifest.json` is the configuration, its files and the blobs that it names are the layers |
///
/// Batches that are sent in order become one part, which puts all their objects into place at one
/// moment. The store never changes a part. To remove an object, it writes a new part with the
/// remaining objects and then deletes the old part. An object is there if a part names it. If
/// several parts name one path, the object that was written last is there. So publishers that write
/// at the same moment lose nothing. `oras pull` and `skopeo copy` of `release-<id>` take a whole
/// release; the store itself reads the parts. If a publisher is killed while it replaces the
/// artifact of a release, `release-<id>` may lead to the older one, for example to one without the
/// last signature, until the next publisher sends or deletes a file of that release.
///
/// The signature and the documents of a release are layers of its artifact. They are referrers of
/// it as well, so that `oras discover` and the policies of clusters find them. A referrer has the
/// artifact of `release-<id>` as its `subject`, and one of these types:
///
/// | artifact type | layers |
/// |---|---|
/// | `application/vnd.netboot.signature.v1` | the signature of minisign |
/// | `application/vnd.cyclonedx+json` | the bills of materials |
/// | `application/vnd.in-toto+json` | the provenance |
///
/// Where the registry does not list referrers, the tag `sha256-<digest>` of the specification does.
/// The store itself does not read referrers. It writes them before it sets `release-<id>`, and
/// deletes them before the artifact. An option of the registry's garbage collection that deletes
/// manifests without tags deletes the referrers, and nothing else of a release.
///
/// # What a registry may do
/// - **Garbage collection** takes blobs that no manifest names. The store writes a part after 1 GiB
///   or 500 objects at most, so a blob that was sent is without a name for as long as that takes.
///   If the registry has collected such a blob, the store sends it again. Nobody deletes blobs: the
///   garbage collection of the registry does, after a prune.
/// - **Deletion** of manifests must be allowed, to prune and to complete a release.
/// - **Compare-and-swap**: the specification has no conditional requests, and registries that do
///   not know them write anyway. So [`build`](super::OciStoreBuilder::build) tests it once. Without
///   it, the receipt says that the order of publishers is not guarded.
/// - **Lock**: there is none. Prune only while nobody publishes to the repository.
/// - **Loss**: artifacts say what is there. `stat` and `look` also ask the registry for each blob
///   that they find, if these are 1,000 at most, so that a blob which the registry has lost is sent
///   again. They do not ask for the other files of a release, and `list` asks for nothing: a reader
///   finds no object where the registry has lost one, and the depth
///   [`Content`](crate::VerifyDepth::Content) of verification reports it.
/// - **Times**: registries keep none. Each object has the time at which it was written in an
///   annotation, in whole seconds by the registry's clock.
/// - **Checks**: a registry refuses bytes that do not have the announced digest. The store hashes
///   an artifact that is not a file while it sends it.
/// - **Memory**: the store holds at most 256 KiB of each object that it sends, and the names of the
///   objects that it has looked up.
/// - **Growth**: one list has all tags. The tag of a part names its release, so a publisher reads
///   the parts of its own release, and of others those that name the same blobs, the newest first.
///   A publisher that sees 40 parts without a summary writes one of the oldest 32. So a history of
///   1,000 releases takes some 100 requests. A summary that is lost or damaged only costs time.
#[derive(Clone)]
pub struct OciStore {
    target: Target,
}

impl OciStore {
    pub(super) fn new(target: Target) -> Self {
        Self { target }
    }

    /// The URL from which a machine gets the bytes of an object, if the registry lets everyone
    /// read. `None` if there is no such object. The URL names the bytes, not the path: it stays
    /// the same while the bytes do.
    ///
    /// # Errors
    /// [`Error::Oci`] if the target cannot be read.
    pub async fn blob_url(&self, path: &ReleasePath) -> Result<Option<Url>, Error> {
        let found = reading::find(&self.target, path).await?;
        let url = |sha256| self.target.client.url(&format!("blobs/sha256:{sha256}"));
        Ok(found.map(|(stored, _)| url(stored.sha256)))
    }
}

impl fmt::Debug for OciStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OciStore")
            .field("settings", &self.target.client.settings)
            .field("compare_and_swap", &self.target.compare_and_swap)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for OciStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reference = &self.target.client.settings.reference;
        f.pad(&format!("oci://{}/{}", reference.registry, reference.name))
    }
}

#[async_trait]
impl Store for OciStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::none()
            .with_compare_and_swap(self.target.compare_and_swap)
            .with_partial_reads(true)
    }

    async fn place(&self) -> Result<String, Error> {
        Ok(self.target.client.settings.url.to_string())
    }

    async fn stat(&self, paths: &[ReleasePath]) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
        reading::stat(&self.target, paths).await
    }

    async fn list(&self, scope: &ListScope) -> Result<Vec<Listed>, Error> {
        reading::list(&self.target, scope).await
    }

    async fn read(&self, path: &ReleasePath) -> Result<Option<Document>, Error> {
        reading::read(&self.target, path).await
    }

    async fn open(&self, path: &ReleasePath) -> Result<Option<ArtifactReader>, Error> {
        reading::open(&self.target, path, 0..u64::MAX).await
    }

    async fn open_range(
        &self,
        path: &ReleasePath,
        range: Range<u64>,
    ) -> Result<Option<ArtifactReader>, Error> {
        reading::open(&self.target, path, range).await
    }

    async fn look(&self, question: &Question) -> Result<Answer, Error> {
        look::look(&self.target, question).await
    }

    async fn send(&self, uploads: Vec<Upload>, context: &Context) -> Result<(), Error> {
        send::send(&self.target, vec![uploads], context).await
    }

    async fn send_in_order(
        &self,
        batches: Vec<Vec<Upload>>,
        context: &Context,
    ) -> Result<(), Error> {
        send::send(&self.target, batches, context).await
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
        tidy::delete(&self.target, paths, context).await
    }

    async fn link(&self, _links: &BTreeMap<ReleasePath, String>) -> Result<(), Error> {
        Err(Error::LinksUnsupported { store: self.to_string() })
    }

    async fn lock(&self, context: &Context) -> Result<StoreLock, Error> {
        context.check()?;
        Ok(StoreLock::none())
    }
}
