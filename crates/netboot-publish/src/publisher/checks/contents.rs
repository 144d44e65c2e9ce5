//! Reading and hashing the objects of a target.

use std::collections::BTreeMap;
use std::sync::Arc;

use netboot_core::{Context, joined};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::error::Error;
use crate::finding::Finding;
use crate::publisher::checks::meter::Meter;
use crate::publisher::checks::objects::Objects;
use crate::publisher::inventory::content::content_of;
use crate::store::Store;

/// The number of objects that are read and hashed at once.
const PARALLEL_READS: usize = 16;

/// Reads and hashes `objects`. Returns the missing and damaged ones, in the order of their paths,
/// and the number of bytes read.
pub(crate) async fn check_contents(
    store: &Arc<dyn Store>,
    objects: Objects,
    context: &Context,
) -> Result<(Vec<Finding>, u64), Error> {
    let permits = Arc::new(Semaphore::new(PARALLEL_READS));
    let total = objects.values().map(|content| content.size).fold(0, u64::saturating_add);
    let meter = Arc::new(Meter::new(total, context));
    // Separate tasks let several processors hash. Dropping the set ends them.
    let mut tasks = JoinSet::new();
    for (path, expected) in objects {
        let (store, permits, context) = (store.clone(), permits.clone(), context.clone());
        let meter = meter.clone();
        tasks.spawn(async move {
            let _permit = permits.acquire().await.map_err(|_| Error::Cancelled)?;
            let count = |bytes| meter.add(bytes);
            let found = content_of(store.as_ref(), &path, count, &context).await?;
            Ok::<_, Error>((path, expected, found))
        });
    }
    let (mut findings, mut hashed_bytes) = (BTreeMap::new(), 0);
    while let Some(task) = tasks.join_next().await {
        let (path, expected, found) = joined(task)??;
        let Some(found) = found else {
            findings.insert(path.clone(), Finding::Missing { path });
            continue;
        };
        hashed_bytes += found.size;
        if found.sha256 != expected.sha256 {
            let (expected, found) = (expected.sha256, found.sha256);
            findings.insert(path.clone(), Finding::WrongDigest { path, expected, found });
        }
    }
    Ok((findings.into_values().collect(), hashed_bytes))
}
