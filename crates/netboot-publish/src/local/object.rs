//! Reads, writes and deletes single objects.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use netboot_core::{Content, Context, ReleasePath, Sha256Digest, Sha256Hasher};
use tempfile::NamedTempFile;
use tokio::io::AsyncReadExt;

use super::copy::copy;
use super::root::{self, Root, if_there};
use super::temporary;
use crate::error::Error;
use crate::store::{DOCUMENT_LIMIT, Document, Swap, Upload, Version};

/// The bytes in memory of an artifact that is not a file.
const CHUNK: usize = 1024 * 1024;

/// The attempts to create a directory that another publisher deletes because it is empty.
const PLACE_ATTEMPTS: usize = 100;

pub(super) fn open(root: &Root, path: &ReleasePath) -> Result<Option<File>, Error> {
    root.check()?;
    let place = root.place(path);
    if_there(File::open(&place)).map_err(|source| Error::io("open", &place, source))
}

pub(super) fn read(root: &Root, path: &ReleasePath) -> Result<Option<Document>, Error> {
    let Some(file) = open(root, path)? else { return Ok(None) };
    let place = root.place(path);
    let failed = |source| Error::io("read", &place, source);
    let size = file.metadata().map_err(failed)?.len();
    if size > DOCUMENT_LIMIT {
        return Err(Error::TooLarge { path: path.clone(), size, limit: DOCUMENT_LIMIT });
    }
    let mut bytes = Vec::new();
    file.take(DOCUMENT_LIMIT).read_to_end(&mut bytes).map_err(failed)?;
    let version = Version::new(Sha256Digest::of(&bytes).to_string());
    Ok(Some(Document { bytes: bytes.into(), version }))
}

/// Replaces an object if it has the version `expected`. The caller must hold the swap lock.
pub(super) fn swap(
    root: &Root,
    path: &ReleasePath,
    expected: Option<&Version>,
    content: &Bytes,
) -> Result<Swap, Error> {
    let place = root.place(path);
    // A link is not an object, whatever its target is.
    let is_link = fs::symlink_metadata(&place).is_ok_and(|metadata| metadata.is_symlink());
    let found = if is_link { None } else { read(root, path)? };
    if found.map(|document| document.version).as_ref() != expected {
        return Ok(Swap::Conflict);
    }
    let temporary = write(root, path, content)?;
    put_into_place(root, path, temporary)?;
    root.ancestors(path).iter().try_for_each(|directory| root::sync(directory))?;
    Ok(Swap::Done)
}

/// Puts one object into place. The caller must sync the directories.
pub(super) async fn send(root: &Root, upload: Upload, context: Context) -> Result<(), Error> {
    context.check()?;
    let artifact = upload.artifact().clone();
    let temporary = match artifact.local_path() {
        Some(source) => {
            // Opening the artifact checks that the file is still the one that was hashed. This is
            // checked before and after the copy.
            drop(artifact.open().await?);
            let source = source.to_owned();
            let (upload, context) = (upload.clone(), context.clone());
            let copied =
                root.blocking(move |root| copy_file(root, &source, &upload, &context)).await?;
            drop(artifact.open().await?);
            copied
        }
        None => write_stream(root, &upload, &context).await?,
    };
    let path = upload.path().clone();
    root.blocking(move |root| put_into_place(root, &path, temporary)).await?;
    upload.progress(artifact.size(), &context);
    Ok(())
}

fn copy_file(
    root: &Root,
    source: &Path,
    upload: &Upload,
    context: &Context,
) -> Result<NamedTempFile, Error> {
    let place = root.place(upload.path());
    let mut from = File::open(source).map_err(|error| Error::io("open", source, error))?;
    let mut temporary = temporary::create(root)?;
    let copied = copy(&mut from, temporary.as_file_mut(), |done| {
        context.check()?;
        upload.progress(done.min(upload.artifact().size()), context);
        Ok::<_, CopyError>(())
    });
    let size = copied.map_err(|error| match error {
        CopyError::Ended(error) => error,
        CopyError::Io(source) => Error::io("write", &place, source),
    })?;
    if size != upload.artifact().size() {
        return Err(netboot_core::Error::ArtifactChanged { path: source.to_owned() }.into());
    }
    sync(&temporary, &place)?;
    Ok(temporary)
}

enum CopyError {
    Io(io::Error),
    Ended(Error),
}

impl From<io::Error> for CopyError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<netboot_core::Error> for CopyError {
    fn from(error: netboot_core::Error) -> Self {
        Self::Ended(error.into())
    }
}

/// Writes and hashes an artifact that is not a file.
async fn write_stream(
    root: &Root,
    upload: &Upload,
    context: &Context,
) -> Result<NamedTempFile, Error> {
    let place = root.place(upload.path());
    let (name, expected) = (upload.artifact().file_name().clone(), upload.content());
    let mut reader = upload.artifact().open().await?;
    let mut temporary = None;
    let mut hasher = Sha256Hasher::new();
    let mut done = 0;
    loop {
        context.check()?;
        let mut chunk =
            Vec::with_capacity(CHUNK.min(usize::try_from(expected.size).unwrap_or(CHUNK) + 1));
        while chunk.len() < chunk.capacity() {
            let read = reader.read_buf(&mut chunk).await;
            if read.map_err(|source| Error::io("read", name.as_str(), source))? == 0 {
                break;
            }
        }
        let last = chunk.len() < chunk.capacity();
        done += chunk.len() as u64;
        let place = place.clone();
        let written = root
            .blocking(move |root| {
                let mut file = match temporary {
                    Some(file) => file,
                    None => temporary::create(root)?,
                };
                file.write_all(&chunk).map_err(|source| Error::io("write", &place, source))?;
                hasher.update(&chunk);
                if last {
                    sync(&file, &place)?;
                }
                Ok((file, hasher))
            })
            .await?;
        hasher = written.1;
        if last || done > expected.size {
            let (sha256, size) = hasher.finish();
            return upload.check(Content { size, sha256 }).map(|()| written.0);
        }
        temporary = Some(written.0);
        upload.progress(done, context);
    }
}

fn write(root: &Root, path: &ReleasePath, content: &[u8]) -> Result<NamedTempFile, Error> {
    let place = root.place(path);
    let mut temporary = temporary::create(root)?;
    temporary.write_all(content).map_err(|source| Error::io("write", &place, source))?;
    sync(&temporary, &place)?;
    Ok(temporary)
}

fn sync(temporary: &NamedTempFile, place: &Path) -> Result<(), Error> {
    temporary.as_file().sync_all().map_err(|source| Error::io("write", place, source))
}

fn put_into_place(
    root: &Root,
    path: &ReleasePath,
    mut temporary: NamedTempFile,
) -> Result<(), Error> {
    let place = root.place(path);
    // Another publisher may delete the new directory because it is still empty.
    let vanished = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let mut attempt = 1;
    loop {
        match root.create_parents(path) {
            Err(Error::Io { source, .. }) if vanished(&source) && attempt < PLACE_ATTEMPTS => {
                attempt += 1;
                continue;
            }
            made => made?,
        }
        match temporary.persist(&place) {
            Ok(_) => return Ok(()),
            Err(failed) if vanished(&failed.error) && attempt < PLACE_ATTEMPTS => {
                temporary = failed.file;
                attempt += 1;
            }
            Err(failed) => return Err(Error::io("write", &place, failed.error)),
        }
    }
}

pub(super) fn link(root: &Root, path: &ReleasePath, target: &str) -> Result<(), Error> {
    let place = root.place(path);
    let failed = |source| Error::io("link", &place, source);
    root.create_parents(path)?;
    // Renaming another link over it is the only atomic way to replace a link.
    let make = |temporary: &Path| std::os::unix::fs::symlink(target, temporary);
    let temporary =
        tempfile::Builder::new().make_in(root.temporary(), make).map_err(failed)?.into_temp_path();
    temporary.persist(&place).map_err(|persist| failed(persist.error))?;
    root.ancestors(path).iter().try_for_each(|directory| root::sync(directory))
}

/// Deletes objects, and the directories below `releases/` that become empty.
pub(super) fn delete(root: &Root, paths: &[ReleasePath], context: &Context) -> Result<(), Error> {
    root.check()?;
    let mut directories: BTreeSet<PathBuf> = BTreeSet::new();
    for path in paths {
        context.check()?;
        let place = root.place(path);
        if_there(fs::remove_file(&place)).map_err(|source| Error::io("delete", &place, source))?;
        let ancestors = root.ancestors(path);
        // Directories in the root always stay.
        directories.extend(ancestors.into_iter().rev().skip(2));
        directories.extend(place.parent().map(Path::to_owned));
    }
    // Innermost first: a path sorts after the directory that it is in.
    for directory in directories.iter().rev() {
        let in_root = directory.parent().is_none_or(|parent| parent == root.path());
        if directory != root.path() && !in_root && fs::remove_dir(directory).is_ok() {
            continue;
        }
        root::sync(directory)?;
    }
    Ok(())
}
