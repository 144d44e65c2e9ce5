//! The descriptions of store paths in the root of a target.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use netboot_closure::NarInfo;
use netboot_core::layout::{self, Location};
use netboot_core::{Sha256Digest, StorePathDigest};

use crate::error::Error;
use crate::publisher::inventory::content::read_object;
use crate::store::{Entry, ListScope, Store};

/// The number of descriptions that are read at once.
const PARALLEL_READS: usize = 16;

/// The files of a binary cache in the root of a target, whoever wrote them.
#[derive(Debug, Default)]
pub(crate) struct CacheFiles {
    pub(crate) nar_infos: BTreeMap<StorePathDigest, Entry>,
    pub(crate) has_info: bool,
}

impl CacheFiles {
    /// Lists the files.
    pub(crate) async fn list(store: &dyn Store) -> Result<Self, Error> {
        let mut files = Self::default();
        for listed in store.list(&ListScope::Root).await? {
            match Location::parse(&listed.path) {
                Some(Location::NarInfo(digest)) => {
                    files.nar_infos.insert(digest, listed.entry);
                }
                Some(Location::NixCacheInfo) => files.has_info = true,
                _ => {}
            }
        }
        Ok(files)
    }
}

/// Reads descriptions. Those that are missing, or are no objects, are left out.
pub(crate) async fn read_nar_infos(
    store: &dyn Store,
    digests: Vec<StorePathDigest>,
) -> Result<BTreeMap<StorePathDigest, Bytes>, Error> {
    let read = |digest: StorePathDigest| async move {
        let document = read_object(store, &layout::nar_info(&digest)).await?;
        Ok::<_, Error>(document.map(|document| (digest, document.bytes)))
    };
    let read = stream::iter(digests).map(read).buffer_unordered(PARALLEL_READS);
    Ok(read.try_collect::<Vec<_>>().await?.into_iter().flatten().collect())
}

/// Reads a description that this program wrote for the store path with this digest. A description
/// of another program is `None`.
pub(crate) fn own_nar_info(digest: &StorePathDigest, bytes: &[u8]) -> Option<NarInfo> {
    let info: NarInfo = str::from_utf8(bytes).ok()?.parse().ok()?;
    (info.path().digest() == digest.as_str()).then_some(info)
}

/// The digest of the blob that a description names.
pub(crate) fn blob_of(info: &NarInfo) -> Sha256Digest {
    Sha256Digest::from_bytes(*info.blob().as_bytes())
}
