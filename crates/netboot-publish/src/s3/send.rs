//! Sends a batch of objects in bounded memory.

mod blob;
mod multipart;

use std::time::Duration;

use futures::{StreamExt, stream};
use netboot_core::Context;
use object_store::{Error as S3Error, ObjectStore, PutMode, PutOptions, PutPayload};
use tokio_util::task::TaskTracker;

use self::blob::{is_there, is_unique};

use super::failure::S3Failure;
use super::object::attributes;
use super::target::Target;
use crate::error::Error;
use crate::store::Upload;
use crate::upload_source::UploadSource;

/// The maximum number of objects that are sent at once.
const PARALLEL_OBJECTS: usize = 32;

/// The maximum time to wait for aborted multipart uploads after a failure.
const ABORT_LIMIT: Duration = Duration::from_secs(10);

pub(super) async fn send(
    target: &Target,
    uploads: Vec<Upload>,
    context: &Context,
) -> Result<(), Error> {
    context.check()?;
    let aborts = TaskTracker::new();
    let mut sends = stream::iter(uploads)
        .map(|upload| send_one(target, upload, context, &aborts))
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
    // This stops the other objects and aborts their multipart uploads.
    drop(sends);
    aborts.close();
    if sent.is_err() {
        let _ = tokio::time::timeout(ABORT_LIMIT, aborts.wait()).await;
    }
    sent
}

async fn send_one(
    target: &Target,
    upload: Upload,
    context: &Context,
    aborts: &TaskTracker,
) -> Result<(), Error> {
    let size = upload.artifact().size();
    if size > target.client.settings.part_size as u64 {
        multipart::send(target, &upload, context, aborts).await?;
    } else {
        send_at_once(target, &upload).await?;
    }
    upload.progress(size, context);
    Ok(())
}

async fn send_at_once(target: &Target, upload: &Upload) -> Result<(), Error> {
    let content = upload.content();
    let size = usize::try_from(content.size).unwrap_or(usize::MAX);
    let _memory = target.memory.reserve(size).await;
    let mut source = UploadSource::open(upload.clone()).await?;
    let bytes = source.next(size).await?;
    source.finish().await?;
    let (path, key) = (upload.path(), target.keys.key(upload.path()));
    let put = async |mode: PutMode| {
        let attributes = attributes(path);
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        target.client.writes.put_opts(&key, PutPayload::from(bytes.clone()), options).await
    };
    if is_unique(target, path) {
        match put(PutMode::Create).await {
            Ok(_) => return Ok(()),
            Err(S3Error::AlreadyExists { .. }) if is_there(target, upload).await => {
                return Ok(());
            }
            // The object is damaged, or may not have arrived. Writing the right bytes is safe.
            Err(S3Error::AlreadyExists { .. }) => {}
            Err(error) => match S3Failure::of(&error) {
                S3Failure::TimedOut | S3Failure::Interrupted => {}
                _ => return Err(target.client.error("write", &key, error)),
            },
        }
    }
    let written = put(PutMode::Overwrite).await;
    written.map(drop).map_err(|error| target.client.error("write", &key, error))
}
