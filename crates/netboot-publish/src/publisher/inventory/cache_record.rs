//! The record of the store paths of a release that a binary cache has.

use std::collections::BTreeMap;

use bytes::Bytes;
use netboot_core::{ReleaseId, Sha256Digest, StorePathDigest, layout};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::publisher::inventory::content::read_object;
use crate::store::Store;

/// The store paths of a release that the binary cache has, with their blobs.
///
/// It says which descriptions may need to be deleted with the release, without a question for each.
/// Anybody may have written it, so a description is read before it is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CacheRecord {
    /// The public key that signed the descriptions.
    pub(crate) key: String,
    pub(crate) blobs: BTreeMap<StorePathDigest, Sha256Digest>,
}

impl CacheRecord {
    /// Reads the record of a release. A release without a cache has none. A damaged record counts
    /// as none: the next publication of the release writes it again.
    pub(crate) async fn find(
        store: &dyn Store,
        release: &ReleaseId,
    ) -> Result<Option<Self>, Error> {
        let path = layout::in_release(release, &layout::binary_cache_record());
        let document = read_object(store, &path).await?;
        Ok(document.and_then(|document| Self::parse(&document.bytes)))
    }

    /// Reads a record from its bytes. A damaged record is `None`.
    pub(crate) fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// The bytes at the target: equal records give equal bytes.
    pub(crate) fn to_json(&self) -> Result<Bytes, Error> {
        let json = serde_json::to_vec(self);
        Ok(json.map_err(|source| netboot_core::Error::MalformedManifest { source })?.into())
    }
}
