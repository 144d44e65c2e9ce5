//! Puts artifacts into a private directory before they are sent, so that they cannot change
//! meanwhile. A file that never changes needs only a link there.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::{Content, Context, ReleasePath, Sha256Hasher};
use tokio::io::AsyncReadExt;

use super::work_directory::WorkDirectory;
use crate::error::Error;
use crate::store::Upload;

/// The number of bytes that are copied or held in memory at once.
const CHUNK: u64 = 4 * 1024 * 1024;

/// The number of files for which the work is prepared at once.
const MOST_AT_ONCE: usize = 256;

/// The number of files that are copied at once.
const PARALLEL_COPIES: usize = 4;

/// Puts every artifact into the tree. Wrong bytes are an error here, before anything is sent.
pub(super) async fn stage(
    work: &Arc<WorkDirectory>,
    uploads: &[Upload],
    context: &Context,
) -> Result<(), Error> {
    // Dropping this future stops the copy, as a cancelled context does.
    let stop = context.cancellation().child_token();
    let _stop_on_drop = stop.clone().drop_guard();
    let context = context.clone().with_cancellation(stop);
    work.create_parents(uploads.iter().map(Upload::path))?;
    for some in uploads.chunks(MOST_AT_ONCE) {
        let staging: Vec<_> = some.iter().map(|upload| stage_one(work, upload, &context)).collect();
        stream::iter(staging).buffer_unordered(PARALLEL_COPIES).try_collect::<()>().await?;
    }
    Ok(())
}

/// Returns the first error of a linked file that somebody changed while it was sent, and the paths
/// of all such files. A file that is gone was read while it was there.
pub(super) async fn changed(uploads: &[Upload]) -> Option<(netboot_core::Error, Vec<ReleasePath>)> {
    let (mut first, mut paths) = (None, Vec::new());
    for upload in uploads.iter().filter(|upload| upload.artifact().is_immutable()) {
        match upload.artifact().open().await {
            Ok(_) => {}
            Err(netboot_core::Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
            }
            Err(error) => {
                first.get_or_insert(error);
                paths.push(upload.path().clone());
            }
        }
    }
    first.map(|error| (error, paths))
}

async fn stage_one(
    work: &Arc<WorkDirectory>,
    upload: &Upload,
    context: &Context,
) -> Result<(), Error> {
    context.check()?;
    match upload.artifact().local_path() {
        Some(source) => stage_file(work, upload, source, context).await,
        None => stage_stream(work, upload, context).await,
    }
}

async fn stage_file(
    work: &Arc<WorkDirectory>,
    upload: &Upload,
    source: &Path,
    context: &Context,
) -> Result<(), Error> {
    // Opening the artifact checks that the file is still the one that was hashed. This is checked
    // before and after the copy.
    drop(upload.artifact().open().await?);
    let (source, place) = (source.to_owned(), work.in_tree(upload.path()));
    if upload.artifact().is_immutable() {
        return symlink(&source, &place).map_err(|error| Error::io("link", &place, error));
    }
    let (work, context, size) = (work.clone(), context.clone(), upload.artifact().size());
    let copying = move || {
        let copied = copy(&source, &place, &context)?;
        drop(work);
        if copied == size {
            Ok(())
        } else {
            Err(Error::from(netboot_core::Error::ArtifactChanged { path: source }))
        }
    };
    netboot_core::blocking(copying).await?;
    drop(upload.artifact().open().await?);
    Ok(())
}

/// Copies a file, with shared blocks if the file system supports them.
fn copy(source: &Path, place: &Path, context: &Context) -> Result<u64, Error> {
    let from = File::open(source).map_err(|error| Error::io("open", source, error))?;
    let mut to = File::create_new(place).map_err(|error| Error::io("create", place, error))?;
    let mut copied = 0;
    loop {
        context.check()?;
        let chunk = io::copy(&mut (&from).take(CHUNK), &mut to);
        match chunk.map_err(|error| Error::io("write", place, error))? {
            0 => return Ok(copied),
            chunk => copied += chunk,
        }
    }
}

/// Writes and hashes an artifact that is not a file.
async fn stage_stream(
    work: &Arc<WorkDirectory>,
    upload: &Upload,
    context: &Context,
) -> Result<(), Error> {
    let expected = upload.content();
    let place = work.in_tree(upload.path());
    let mut reader = upload.artifact().open().await?;
    let mut target = Some({
        let file = File::create_new(&place).map_err(|error| Error::io("create", &place, error))?;
        (file, Sha256Hasher::new())
    });
    let mut done = 0;
    while let Some((mut file, mut hasher)) = target.take() {
        context.check()?;
        // One extra byte is enough to detect an artifact that is too long.
        let length = CHUNK.min((expected.size - done.min(expected.size)) + 1);
        let mut chunk = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        let mut limited = (&mut reader).take(length);
        let read = limited.read_to_end(&mut chunk).await;
        let name = upload.artifact().file_name().as_str();
        let read = read.map_err(|source| Error::io("read", name, source))? as u64;
        done += read;
        let place = place.clone();
        let writing = move || {
            file.write_all(&chunk).map_err(|source| Error::io("write", &place, source))?;
            hasher.update(&chunk);
            Ok::<_, Error>((file, hasher))
        };
        let (file, hasher) = netboot_core::blocking(writing).await?;
        if read == length && done <= expected.size {
            target = Some((file, hasher));
            continue;
        }
        let (sha256, size) = hasher.finish();
        upload.check(Content { size, sha256 })?;
    }
    Ok(())
}
