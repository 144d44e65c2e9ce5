//! Reading and hashing what lies at a target.

use std::collections::BTreeMap;
use std::sync::Arc;

use netboot_core::{Content, Context, Manifest, ReleasePath, Sha256Hasher, layout};
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::verify::VerifyDepth;
use crate::{Error, Finding, Store};

/// How many objects are read and hashed at once.
const PARALLEL_READS: usize = 4;

/// Which of `objects` one has to read at this depth.
pub(crate) fn to_read(
    objects: BTreeMap<ReleasePath, Content>,
    manifests: &[Manifest],
    depth: VerifyDepth,
) -> BTreeMap<ReleasePath, Content> {
    let is_payload = |path: &ReleasePath, content: &Content| {
        *path == layout::blob(&content.sha256)
            && manifests.iter().any(|manifest| manifest.blobs().contains_key(&content.sha256))
    };
    let wanted = |(path, content): &(ReleasePath, Content)| match depth {
        VerifyDepth::Listing => false,
        VerifyDepth::Scripts => !is_payload(path, content),
        VerifyDepth::Content => true,
    };
    objects.into_iter().filter(wanted).collect()
}

/// Reads and hashes `objects`: which are missing or have other bytes, in the order of their paths,
/// and how many bytes were read.
pub(super) async fn check_contents(
    store: &Arc<dyn Store>,
    objects: BTreeMap<ReleasePath, Content>,
    context: &Context,
) -> Result<(Vec<Finding>, u64), Error> {
    let permits = Arc::new(Semaphore::new(PARALLEL_READS));
    // Tasks of their own, so that several processors hash; dropping the set ends them.
    let mut tasks = JoinSet::new();
    for (path, expected) in objects {
        let (store, permits, context) = (store.clone(), permits.clone(), context.clone());
        tasks.spawn(async move {
            let _permit = permits.acquire().await.map_err(|_| Error::Cancelled)?;
            let found = content_of(store.as_ref(), &path, &context).await?;
            Ok::<_, Error>((path, expected, found))
        });
    }
    let (mut findings, mut hashed_bytes) = (BTreeMap::new(), 0);
    while let Some(task) = tasks.join_next().await {
        // A panic or a shut-down runtime is all that a join can fail of: both end the work.
        let (path, expected, found) = task.map_err(|_| Error::Cancelled)??;
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

/// Reads and hashes an object; `None` when it is not there. A store that says nothing more keeps
/// nobody from cancelling.
pub(super) async fn content_of(
    store: &dyn Store,
    path: &ReleasePath,
    context: &Context,
) -> Result<Option<Content>, Error> {
    tokio::select! {
        biased;
        () = context.cancellation().cancelled() => Err(Error::Cancelled),
        read = read_content(store, path, context) => read,
    }
}

async fn read_content(
    store: &dyn Store,
    path: &ReleasePath,
    context: &Context,
) -> Result<Option<Content>, Error> {
    let Some(mut reader) = store.open(path).await? else { return Ok(None) };
    let mut hasher = Sha256Hasher::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        context.check()?;
        let read = reader.read(&mut buffer).await;
        match read.map_err(|source| Error::reading(path, source))? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    let (sha256, size) = hasher.finish();
    Ok(Some(Content { size, sha256 }))
}
