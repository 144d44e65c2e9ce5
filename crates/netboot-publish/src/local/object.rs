//! Reads, writes and deletes single objects.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use netboot_core::{Content, Context, ReleasePath, Sha256Digest, Sha256Hasher, open_regular_file};
use tokio::io::AsyncReadExt;

use super::copy::copy;
use super::root::{self, Root, create_at, find, is_missing, split};
use super::temporary::{Temporary, TemporaryFile};
use crate::error::Error;
use crate::store::{DOCUMENT_LIMIT, Document, Swap, Upload, Version};

/// The bytes in memory of an artifact that is not a file.
const CHUNK: usize = 1024 * 1024;

/// The attempts to create a directory that another publisher deletes because it is empty.
const PLACE_ATTEMPTS: usize = 100;

pub(super) fn open(root: &Root, path: &ReleasePath) -> Result<Option<File>, Error> {
    let Some(root) = root.open()? else { return Ok(None) };
    let (directory, name) = split(path);
    let Some(directory) = find(&root, directory)? else { return Ok(None) };
    directory.file(name).map_err(Error::at_target)
}

pub(super) fn read(root: &Root, path: &ReleasePath) -> Result<Option<Document>, Error> {
    let Some(file) = open(root, path)? else { return Ok(None) };
    let failed = |source| Error::io("read", root.path().join(path.as_str()), source);
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
    let found = match read(root, path) {
        // A link is no object, wherever it leads.
        Err(error) if error.is_no_object() => None,
        read => read?,
    };
    if found.map(|document| document.version).as_ref() != expected {
        return Ok(Swap::Conflict);
    }
    let temporary = write(root, path, content)?;
    put_into_place(root, path, temporary)?;
    root::sync_above(&root.create()?, path)?;
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
) -> Result<TemporaryFile, Error> {
    let place = root.path().join(upload.path().as_str());
    let mut from = open_regular_file(source)?;
    let mut temporary = TemporaryFile::create(root)?;
    let copied = copy(&mut from, &mut temporary.file, |done| {
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
) -> Result<TemporaryFile, Error> {
    let place = root.path().join(upload.path().as_str());
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
                    None => TemporaryFile::create(root)?,
                };
                let written = file.file.write_all(&chunk);
                written.map_err(|source| Error::io("write", &place, source))?;
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

fn write(root: &Root, path: &ReleasePath, content: &[u8]) -> Result<TemporaryFile, Error> {
    let place = root.path().join(path.as_str());
    let mut temporary = TemporaryFile::create(root)?;
    temporary.file.write_all(content).map_err(|source| Error::io("write", &place, source))?;
    sync(&temporary, &place)?;
    Ok(temporary)
}

fn sync(temporary: &TemporaryFile, place: &Path) -> Result<(), Error> {
    temporary.file.sync_all().map_err(|source| Error::io("write", place, source))
}

fn put_into_place(
    root: &Root,
    path: &ReleasePath,
    mut temporary: TemporaryFile,
) -> Result<(), Error> {
    place(root, path, &mut temporary.name)
}

/// Moves an unfinished file or link to its place.
fn place(root: &Root, path: &ReleasePath, temporary: &mut Temporary) -> Result<(), Error> {
    let root = root.create()?;
    let (directory, name) = split(path);
    for attempt in 1.. {
        // Another publisher may delete the new directory because it is still empty.
        let is_last = attempt == PLACE_ATTEMPTS;
        let directory = match create_at(&root, directory) {
            Err(Error::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound && !is_last =>
            {
                continue;
            }
            created => created?,
        };
        match temporary.place(&directory, name) {
            Err(error) if is_missing(&error) && !is_last => {}
            placed => return placed.map_err(Error::at_target),
        }
    }
    Ok(())
}

pub(super) fn link(root: &Root, path: &ReleasePath, target: &str) -> Result<(), Error> {
    // Renaming another link over it is the only atomic way to replace a link.
    place(root, path, &mut Temporary::link(root, target)?)?;
    root::sync_above(&root.create()?, path)
}

/// Deletes objects, and the directories below `releases/` that become empty.
pub(super) fn delete(root: &Root, paths: &[ReleasePath], context: &Context) -> Result<(), Error> {
    let Some(root) = root.open()? else { return Ok(()) };
    let mut directories: BTreeSet<PathBuf> = BTreeSet::new();
    for path in paths {
        context.check()?;
        let (directory, name) = split(path);
        if let Some(found) = find(&root, directory)? {
            found.remove(name).map_err(Error::at_target)?;
        }
        let above = Path::new(path.as_str()).ancestors().skip(1);
        directories.extend(above.map(Path::to_owned));
    }
    // Innermost first: a path sorts after the directory that it is in. Directories in the root
    // always stay.
    for directory in directories.iter().rev() {
        if let Some(name) = directory.file_name()
            && let Some(above) = directory.parent().filter(|above| *above != Path::new(""))
            && let Some(above) = find(&root, &above.to_string_lossy())?
            && above.remove_empty_directory(name)
        {
            continue;
        }
        root::sync(&root, directory)?;
    }
    Ok(())
}
