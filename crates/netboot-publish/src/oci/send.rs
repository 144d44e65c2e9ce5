//! Sends a batch of objects in bounded memory.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::{Content, Context, ReleasePath};

use super::artifact::{Entries, Kind, Stored};
use super::objects::Objects;
use super::part::{Part, release_of};
use super::scope::Scope;
use super::target::Target;
use super::writing::{kept_blob, lost_blob, write_part};
use super::{blob, file, tag, tidy};
use crate::error::Error;
use crate::store::Upload;
use crate::upload_source::UploadSource;

/// The most objects that are sent before a part names them.
const MOST_UNNAMED: usize = 500;
/// The most bytes that are sent before a part names them: 1 GiB.
const MOST_UNNAMED_BYTES: u64 = 1024 * 1024 * 1024;

/// Sends batches, one after another.
pub(super) async fn send(
    target: &Target,
    batches: Vec<Vec<Upload>>,
    context: &Context,
) -> Result<(), Error> {
    context.check()?;
    tokio::select! {
        biased;
        () = context.cancellation().cancelled() => Err(Error::Cancelled),
        sent = send_all(target, batches, context) => sent,
    }
}

async fn send_all(
    target: &Target,
    batches: Vec<Vec<Upload>>,
    context: &Context,
) -> Result<(), Error> {
    // Objects of several batches go into one part, which puts all of them into place at one moment.
    let mut objects = Vec::new();
    for batch in batches {
        let (files, others) = tag::split(batch, Upload::path);
        objects.extend(others);
        if !files.is_empty() {
            send_objects(target, std::mem::take(&mut objects), context).await?;
            send_files(target, files, context).await?;
        }
    }
    send_objects(target, objects, context).await
}

/// Sends objects, in their order.
async fn send_objects(
    target: &Target,
    uploads: Vec<Upload>,
    context: &Context,
) -> Result<(), Error> {
    if uploads.is_empty() {
        return Ok(());
    }
    let scope = Scope::of(uploads.iter().map(Upload::path));
    let known = target.index.read(&target.client, &scope).await?;
    let mut parts = Vec::new();
    for batch in batches(uploads) {
        parts.push(send_part(target, &known, &batch, context).await?);
    }
    tidy::after_sending(target, parts).await
}

/// Sends files that change.
async fn send_files(
    target: &Target,
    files: Vec<(String, Upload)>,
    context: &Context,
) -> Result<(), Error> {
    let writes = stream::iter(files)
        .map(|(tag, upload)| async move {
            let bytes = whole(&upload).await?;
            let size = upload.artifact().size();
            file::put(&target.client, upload.path(), &tag, bytes, None).await?;
            upload.progress(size, context);
            Ok::<_, Error>(())
        })
        .buffer_unordered(target.client.settings.parallelism);
    writes.try_collect::<Vec<()>>().await?;
    Ok(())
}

/// Cuts uploads into batches, in their order, so that no blob is long without a part that names it:
/// a registry collects such blobs as garbage. A part has files of one release at most.
fn batches(uploads: Vec<Upload>) -> Vec<Vec<Upload>> {
    let (mut batches, mut batch) = (Vec::new(), Vec::new());
    let (mut bytes, mut release) = (0, None);
    for upload in uploads {
        let (size, of) = (upload.artifact().size(), release_of(upload.path()));
        let is_full = batch.len() >= MOST_UNNAMED || bytes + size > MOST_UNNAMED_BYTES;
        if (is_full && !batch.is_empty()) || (of.is_some() && release.is_some() && of != release) {
            batches.push(std::mem::take(&mut batch));
            (bytes, release) = (0, None);
        }
        bytes += size;
        release = release.or(of);
        batch.push(upload);
    }
    batches.push(batch);
    batches
}

/// Sends the bytes of a batch, and the part that names them. `known` has the objects that were
/// there before.
async fn send_part(
    target: &Target,
    known: &Objects,
    batch: &[Upload],
    context: &Context,
) -> Result<Arc<Part>, Error> {
    let client = target.client.as_ref();
    for is_repeated in [false, true] {
        let sends = stream::iter(batch.to_vec())
            .map(|upload| async move {
                let there = known.get(upload.path());
                let there = there.filter(|it| it.sha256 == upload.content().sha256);
                // Publishers send an object again because it is lost or damaged.
                let is_damaged = match &there {
                    Some(stored) => !blob::is_whole(client, stored).await?,
                    None => false,
                };
                blob::send(client, &upload, is_repeated || is_damaged, context).await?;
                match &there {
                    Some(stored) if is_damaged && !blob::is_whole(client, stored).await? => {
                        Err(kept_blob(client, stored))
                    }
                    _ => Ok(()),
                }
            })
            .buffer_unordered(client.settings.parallelism);
        sends.try_collect::<Vec<()>>().await?;
        let now = client.time();
        let entry = |upload: &Upload| {
            let Content { sha256, size } = upload.content();
            let new = Stored { sha256, size, modified: now, inline: None };
            (upload.path().clone(), new.after(known.get(upload.path()).as_ref()))
        };
        let entries: Entries = batch.iter().map(entry).collect();
        if let Some((part, _)) = write_part(target, Kind::Part, entries, None).await? {
            return Ok(part);
        }
    }
    let first: Option<&ReleasePath> = batch.first().map(Upload::path);
    Err(lost_blob(client, first.map_or("", ReleasePath::as_str)))
}

/// Reads a small artifact whole.
async fn whole(upload: &Upload) -> Result<Bytes, Error> {
    let mut source = UploadSource::open(upload.clone()).await?;
    let size = usize::try_from(upload.artifact().size()).unwrap_or(usize::MAX);
    let bytes = source.next(size).await?;
    source.finish().await?;
    Ok(bytes)
}
