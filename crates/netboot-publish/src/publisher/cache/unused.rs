//! Finding the descriptions that pruning deletes before their blobs.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::{ReleaseId, ReleasePath, Sha256Digest, StorePathDigest, layout};

use crate::error::Error;
use crate::publisher::inventory::cache_record::CacheRecord;
use crate::publisher::inventory::nar_infos::{CacheFiles, blob_of, own_nar_info, read_nar_infos};
use crate::store::Store;

/// The number of records that are read at once.
const PARALLEL_READS: usize = 16;

/// Returns the descriptions of the `unwanted` releases, which have a record of their descriptions,
/// that lead to no blob of a kept release, as `is_kept` says.
///
/// The records of the releases say which descriptions may do so. Only these are read: the
/// description of a store path that a kept release shares stays unread.
pub(crate) async fn unused_nar_infos(
    store: &dyn Store,
    unwanted: Vec<ReleaseId>,
    is_kept: &(dyn Fn(&Sha256Digest) -> bool + Sync),
) -> Result<Vec<ReleasePath>, Error> {
    let mut recorded: BTreeSet<StorePathDigest> = BTreeSet::new();
    let read: Vec<_> = unwanted.iter().map(|it| CacheRecord::find(store, it)).collect();
    let mut read = stream::iter(read).buffer_unordered(PARALLEL_READS);
    while let Some(record) = read.try_next().await? {
        let Some(record) = record else { continue };
        let unused = record.blobs.into_iter().filter(|(_, blob)| !is_kept(blob));
        recorded.extend(unused.map(|(digest, _)| digest));
    }
    if recorded.is_empty() {
        return Ok(Vec::new());
    }
    let files = CacheFiles::list(store).await?;
    recorded.retain(|digest| files.nar_infos.contains_key(digest));
    let read = read_nar_infos(store, recorded.into_iter().collect()).await?;
    let unused = read.into_iter().filter(|(digest, bytes)| {
        own_nar_info(digest, bytes).is_some_and(|info| !is_kept(&blob_of(&info)))
    });
    Ok(unused.map(|(digest, _)| layout::nar_info(&digest)).collect())
}
