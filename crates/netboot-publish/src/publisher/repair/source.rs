//! The places that repair takes intact objects from.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use netboot_core::{Content, Context, Release, ReleaseId, ReleasePath};
use tokio::sync::OnceCell;

use crate::error::Error;
use crate::publisher::Publisher;
use crate::publisher::inventory::content::content_of;
use crate::publisher::inventory::stored_artifact::StoredArtifact;
use crate::publisher::inventory::untrusted_manifest::{UntrustedManifest, read_signature};
use crate::publisher::uploads::uploads;
use crate::store::{Store, Upload};

/// A place that [`Publisher::repair`] takes intact objects from.
///
/// ```
/// use netboot_core::{Context, layout};
/// use netboot_publish::{MemoryStore, Publisher, RepairSource, Store};
/// # use netboot_publish::contract::sample_release;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let release = sample_release("one");
/// let (store, context) = (MemoryStore::new(), Context::new());
/// let publisher = Publisher::new(store.clone());
/// publisher.publish(&release, &context).await?;
/// store.delete(&[layout::boot_script()], &context).await?; // somebody's mistake
///
/// let source = RepairSource::release(&release);
/// publisher.repair(release.id(), &[source], &context).await?;
/// assert!(store.read(&layout::boot_script()).await?.is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct RepairSource(Kind);

#[derive(Debug, Clone)]
enum Kind {
    /// A release, and its objects once somebody asked for one.
    Release(Arc<(Release, OnceCell<BTreeMap<ReleasePath, Upload>>)>),
    Mirror(Arc<dyn Store>),
}

impl RepairSource {
    /// A release that the caller has, from an earlier build or a new one.
    pub fn release(release: &Release) -> Self {
        Self(Kind::Release(Arc::new((release.clone(), OnceCell::new()))))
    }

    /// Another target that has the release. Repair takes only objects that are intact there.
    pub fn mirror(publisher: &Publisher) -> Self {
        Self(Kind::Mirror(publisher.store().clone()))
    }

    /// Another target that has the release, by its store.
    pub fn store(store: Arc<dyn Store>) -> Self {
        Self(Kind::Mirror(store))
    }

    /// Returns the manifest of a release, and its signature if there is one.
    pub(crate) async fn manifest(
        &self,
        id: &ReleaseId,
    ) -> Result<Option<(UntrustedManifest, Option<Bytes>)>, Error> {
        match &self.0 {
            Kind::Release(own) if own.0.id() == id => {
                Ok(Some((UntrustedManifest::of(&own.0)?, None)))
            }
            Kind::Release(_) => Ok(None),
            Kind::Mirror(store) => match UntrustedManifest::find(store.as_ref(), id).await {
                Ok(Some(stored)) => Ok(Some((stored, read_signature(store.as_ref(), id).await?))),
                Ok(None) | Err(Error::MalformedManifest { .. }) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// Returns true if the caller made the manifest, so that the caller may sign it.
    pub(crate) fn is_own(&self) -> bool {
        matches!(self.0, Kind::Release(_))
    }

    /// Returns an object of a release if this source has it intact.
    pub(crate) async fn find(
        &self,
        path: &ReleasePath,
        expected: Content,
        context: &Context,
    ) -> Result<Option<Upload>, Error> {
        match &self.0 {
            Kind::Release(own) => {
                let (release, uploads) = &**own;
                let uploads = uploads.get_or_try_init(async || self::uploads(release)).await?;
                let upload = uploads.get(path).filter(|upload| upload.content() == expected);
                Ok(upload.cloned())
            }
            Kind::Mirror(store) => {
                if content_of(store.as_ref(), path, |_| {}, context).await? != Some(expected) {
                    return Ok(None);
                }
                let artifact = StoredArtifact::object(store.clone(), path, expected)?;
                Ok(Some(Upload::new(path.clone(), artifact)))
            }
        }
    }
}
