//! Sending a batch of objects within a bound of memory.

mod multipart;
mod source;

use std::time::Duration;

use futures::{StreamExt, stream};
use netboot_core::{Content, Context, ReleasePath, Sha256Hasher};
use object_store::{
    Error as S3Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
};
use tokio_util::task::TaskTracker;

use self::source::Source;
use super::S3Store;
use super::failure::S3Failure;
use super::headers::attributes;
use crate::Error;
use crate::store::Upload;

/// How many objects are sent at once, if their bytes fit into memory.
const PARALLEL_OBJECTS: usize = 32;

/// How long the end of multipart uploads is waited for after a failure.
const ABORT_LIMIT: Duration = Duration::from_secs(10);

pub(super) async fn send(
    store: &S3Store,
    uploads: Vec<Upload>,
    context: &Context,
) -> Result<(), Error> {
    context.check()?;
    let aborts = TaskTracker::new();
    let mut sends = stream::iter(uploads)
        .map(|upload| send_one(store, upload, context, &aborts))
        .buffer_unordered(PARALLEL_OBJECTS);
    let sent = loop {
        tokio::select! {
            biased;
            () = context.cancellation().cancelled() => break Err(Error::Cancelled),
            sent = sends.next() => match sent {
                Some(Ok(())) => {}
                Some(Err(error)) => break Err(error),
                None => break Ok(()),
            },
        }
    };
    // Ends the others, which aborts their multipart uploads.
    drop(sends);
    aborts.close();
    if sent.is_err() {
        let _ = tokio::time::timeout(ABORT_LIMIT, aborts.wait()).await;
    }
    sent
}

async fn send_one(
    store: &S3Store,
    upload: Upload,
    context: &Context,
    aborts: &TaskTracker,
) -> Result<(), Error> {
    let size = upload.artifact().size();
    if size > store.client.settings.part_size as u64 {
        multipart::send(store, &upload, context, aborts).await?;
    } else {
        send_at_once(store, &upload).await?;
    }
    upload.progress(size, context);
    Ok(())
}

async fn send_at_once(store: &S3Store, upload: &Upload) -> Result<(), Error> {
    let content = upload.content();
    let size = usize::try_from(content.size).unwrap_or(usize::MAX);
    let _memory = store.memory.take(size).await;
    let mut source = Source::open(upload).await?;
    let bytes = source.next(size).await?;
    source.finish().await?;
    let (path, key) = (upload.path(), store.keys.key(upload.path()));
    let put = async |mode: PutMode| {
        let attributes = attributes(path);
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        store.client.writes.put_opts(&key, PutPayload::from(bytes.clone()), options).await
    };
    if is_unique(store, path) {
        match put(PutMode::Create).await {
            Ok(_) => return Ok(()),
            Err(S3Error::AlreadyExists { .. }) if is_there(store, upload).await => {
                return Ok(());
            }
            // Damaged, or not known to have arrived: to write the right bytes again does no harm.
            Err(S3Error::AlreadyExists { .. }) => {}
            Err(error) => match S3Failure::of(&error) {
                S3Failure::TimedOut | S3Failure::Interrupted => {}
                _ => return Err(store.client.error("write", &key, error)),
            },
        }
    }
    let written = put(PutMode::Overwrite).await;
    written.map(drop).map_err(|error| store.client.error("write", &key, error))
}

/// Whether an object with this content is there; by its bytes, since this is only asked when
/// another publisher was faster with the same blob, or the blob is damaged.
async fn is_there(store: &S3Store, upload: &Upload) -> bool {
    let content = upload.content();
    let key = store.keys.key(upload.path());
    let Ok(there) = store.client.reads.get(&key).await else { return false };
    if there.meta.size != content.size {
        return false;
    }
    let mut hasher = Sha256Hasher::new();
    let mut pieces = there.into_stream();
    while let Some(piece) = pieces.next().await {
        let Ok(piece) = piece else { return false };
        hasher.update(&piece);
    }
    hasher.finish() == (content.sha256, content.size)
}

/// Whether an object may only be written where none is: what lies under a blob's name has its
/// bytes, unless it is damaged.
fn is_unique(store: &S3Store, path: &ReleasePath) -> bool {
    store.compare_and_swap && path.as_str().starts_with("blobs/")
}

/// An error for bytes that are not those which were announced.
fn mismatch(path: &ReleasePath, expected: Content, found: Content) -> Error {
    let (expected, found) = (Box::new(expected), Box::new(found));
    Error::DigestMismatch { path: path.clone(), expected, found }
}
