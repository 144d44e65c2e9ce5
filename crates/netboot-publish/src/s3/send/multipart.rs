//! Sends a large object in parts, so that only some parts are in memory.

use std::sync::Arc;

use netboot_core::{Context, ReleasePath};
use object_store::path::Path;
use object_store::{
    Error as S3Error, MultipartUpload, ObjectStore, PutMultipartOptions, PutPayload, UploadPart,
};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

use super::blob::{is_there, is_unique};

use crate::error::Error;
use crate::s3::client::Client;
use crate::s3::connector;
use crate::s3::object::attributes;
use crate::s3::target::Target;
use crate::store::Upload;
use crate::upload_source::UploadSource;

/// The maximum number of parts in S3.
const PARTS: u64 = 10_000;
/// The size of larger parts is a multiple of this.
const STEP: u64 = 1024 * 1024;

/// The size of the parts of an object: the usual size, or more if there would be too many parts.
fn part_size(usual: usize, size: u64) -> usize {
    let least = size.div_ceil(PARTS).next_multiple_of(STEP);
    usize::try_from(least).unwrap_or(usize::MAX).max(usual)
}

pub(super) async fn send(
    target: &Target,
    upload: &Upload,
    context: &Context,
    aborts: &TaskTracker,
) -> Result<(), Error> {
    let only_if_absent = is_unique(target, upload.path());
    let ended = attempt(target, upload, only_if_absent, context, aborts).await?;
    if ended == Completion::Refused && !is_there(target, upload).await {
        // The object is damaged. Writing the right bytes is safe. The progress is already reported.
        attempt(target, upload, false, &Context::new(), aborts).await?;
    }
    Ok(())
}

/// The result of a multipart upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Completion {
    /// The object is in place.
    Done,
    /// The key already held an object.
    Refused,
}

async fn attempt(
    target: &Target,
    upload: &Upload,
    only_if_absent: bool,
    context: &Context,
    aborts: &TaskTracker,
) -> Result<Completion, Error> {
    let (path, size) = (upload.path(), upload.artifact().size());
    let key = target.keys.key(path);
    let mut source = UploadSource::open(upload.clone()).await?;
    let mut begun = StartedUpload::begin(&target.client, &key, path, aborts).await?;
    let part_size = part_size(target.client.settings.part_size, size);
    // Dropping this stops the parts that are being sent.
    let mut parts: JoinSet<object_store::Result<usize>> = JoinSet::new();
    let (mut read, mut done) = (0, 0);
    let failed = |source| target.client.error("write", &key, source);
    loop {
        while read < size {
            // A sent part frees memory for the next one. A failed part ends the upload.
            let memory = tokio::select! {
                biased;
                Some(sent) = parts.join_next() => {
                    done += netboot_core::joined(sent)?.map_err(failed)?;
                    upload.progress(done as u64, context);
                    continue;
                }
                memory = target.memory.reserve(part_size) => memory,
            };
            let left = usize::try_from(size - read).unwrap_or(usize::MAX);
            let wanted = part_size.min(left);
            let bytes = source.next(wanted).await?;
            let length = bytes.len();
            read += length as u64;
            if length < wanted {
                // The artifact is too short. `finish` returns the error.
                return source.finish().await.map(|()| Completion::Refused);
            }
            let part = begun.part(bytes.into());
            parts.spawn(async move {
                let sent = part.await;
                drop(memory);
                sent.map(|()| length)
            });
        }
        match parts.join_next().await {
            Some(sent) => {
                done += netboot_core::joined(sent)?.map_err(failed)?;
                upload.progress(done as u64, context);
            }
            None => break,
        }
    }
    source.finish().await?;
    match begun.complete(only_if_absent).await {
        // The server answers this when a completion request is repeated because the first answer
        // was lost.
        Err(S3Error::NotFound { .. }) if is_there(target, upload).await => Ok(Completion::Done),
        completed => completed.map_err(failed),
    }
}

/// A multipart upload. If it is dropped before it is complete, it is aborted.
struct StartedUpload {
    upload: Option<Box<dyn MultipartUpload>>,
    aborts: TaskTracker,
}

impl StartedUpload {
    async fn begin(
        client: &Arc<Client>,
        key: &Path,
        path: &ReleasePath,
        aborts: &TaskTracker,
    ) -> Result<Self, Error> {
        let options =
            PutMultipartOptions { attributes: attributes(path), ..PutMultipartOptions::default() };
        let (give, take) = oneshot::channel();
        let (writer, place, tracker) = (client.clone(), key.clone(), aborts.clone());
        // A separate task begins the upload. If this future were dropped during the request, the id
        // of the upload would be lost.
        aborts.spawn(async move {
            let begun = writer.writes.put_multipart_opts(&place, options).await;
            // The upload is aborted when it is dropped: here if the receiver is gone, or in the
            // channel if the receiver goes away before it takes the upload.
            let begun = begun.map(|upload| Self { upload: Some(upload), aborts: tracker });
            drop(give.send(begun));
        });
        let begun = take.await.map_err(|_| Error::Cancelled)?;
        begun.map_err(|source| client.error("write", key, source))
    }

    fn part(&mut self, payload: PutPayload) -> UploadPart {
        match &mut self.upload {
            Some(upload) => upload.put_part(payload),
            // This happens only after the upload was completed.
            None => Box::pin(std::future::ready(Ok(()))),
        }
    }

    async fn complete(&mut self, only_if_absent: bool) -> object_store::Result<Completion> {
        let Some(upload) = &mut self.upload else { return Ok(Completion::Done) };
        let completed = if only_if_absent {
            connector::only_if_absent(upload.complete()).await
        } else {
            upload.complete().await
        };
        match completed {
            Err(S3Error::Precondition { .. } | S3Error::AlreadyExists { .. }) if only_if_absent => {
                upload.abort().await?;
                self.upload = None;
                Ok(Completion::Refused)
            }
            Err(error) => Err(error),
            Ok(_) => {
                self.upload = None;
                Ok(Completion::Done)
            }
        }
    }
}

impl Drop for StartedUpload {
    fn drop(&mut self) {
        // Without a runtime, no request can be sent. The upload stays and is cleaned up later.
        if let Some(upload) = self.upload.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            self.aborts.spawn_on(abort(upload), &runtime);
        }
    }
}

async fn abort(mut upload: Box<dyn MultipartUpload>) {
    if let Err(error) = upload.abort().await {
        tracing::warn!(%error, "cannot abort a multipart upload");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_as_large_as_usual_unless_there_were_too_many() {
        let mib = |n: u64| n * 1024 * 1024;
        let usual = usize::try_from(mib(8)).unwrap();
        assert_eq!(part_size(usual, mib(9)), usual);
        assert_eq!(part_size(usual, mib(80_000)), usual);
        assert_eq!(part_size(usual, mib(80_001)) as u64, mib(9));
        assert!(mib(5_000_000).div_ceil(part_size(usual, mib(5_000_000)) as u64) <= PARTS);
    }
}
