//! A directory of this machine.

mod copy;
mod flock;
mod listing;
mod object;
mod place;
mod root;
mod temporary;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::SeekFrom;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use netboot_core::{ArtifactReader, Context, Event, GuardedFile, ReleasePath};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use self::root::Root;
use crate::error::Error;
use crate::root_mode::unreadable_root;
use crate::store::{
    Capabilities, Document, Entry, ListScope, Listed, Store, StoreLock, Swap, Upload, Version,
};

/// The number of objects that are written at once: enough to keep a disk busy during syncs.
const PARALLEL_WRITES: usize = 16;

/// The permission bit that lets every user of the machine change a directory.
const OTHERS_WRITE: u32 = 0o002;

/// A directory of this machine, which a web server serves.
///
/// The store creates the directory if only its last part is missing. Files get mode 0644 and
/// directories get mode 0755, whatever the umask is, so that a web server can read them. The store
/// keeps its lock and unfinished files in `.netboot/`. The whole tree must be on one file system.
///
/// - The store writes each file to a temporary file, syncs it, and renames it into place. Then it
///   syncs the directories. A reader sees the old file or the new one.
/// - The kernel copies an artifact that is a file
///   ([`Artifact::local_path`](netboot_core::Artifact::local_path)), with shared blocks if the file
///   system supports them (Btrfs, XFS). The store does not hash it again: it opens the artifact
///   before and after the copy, which fails if the file changed since it was hashed. The store
///   hashes all other artifacts while it writes them.
/// - `lock` and `swap` use `flock`, so the locks end with the process. On a network file system
///   they are as reliable as `flock` is there.
/// - A publisher removes the files that a killed publisher left in `.netboot/`.
/// - The path of the directory may lead through links. Beneath it, the store follows no link and
///   opens nothing but directories and regular files, so that a user who may write to the directory
///   cannot make the store read, write or delete anything else. It fails with [`Error::Target`].
///
/// ```no_run
/// use netboot_publish::{LocalStore, Publisher};
///
/// let publisher = Publisher::new(LocalStore::new("/srv/pxe/nixos"));
/// ```
#[derive(Debug, Clone)]
pub struct LocalStore {
    root: Root,
}

impl LocalStore {
    /// A store in `directory`. Nothing is read or created before the store is used.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { root: Root::new(directory.into()) }
    }

    /// Sets the time that a read of the directory may take: 30 seconds by default. After it, the
    /// store gives up on a network file system that hangs.
    ///
    /// At most 16 reads of a store and its clones are in progress at once, each on a thread of its
    /// own. So a file system that hangs does not take the threads of the caller's runtime.
    #[must_use]
    pub fn with_read_timeout(self, limit: Duration) -> Self {
        Self { root: self.root.with_read_timeout(limit) }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        self.root.path()
    }

    async fn file(&self, path: &ReleasePath) -> Result<Option<GuardedFile>, Error> {
        let path = path.clone();
        let file = self.root.limited(move |root| object::open(root, &path)).await?;
        Ok(file.map(|file| GuardedFile::new(file, self.root.reads().clone())))
    }
}

/// Warns that every user of the machine can change what is published.
fn open_to_all(directory: &Path, mode: u32) -> Event {
    let directory = directory.display();
    Event::Warning {
        profile: None,
        message: format!("every user of this machine can write to `{directory}` (mode {mode:04o})"),
        hint: Some(format!("take the permission away: `chmod o-w {directory}`")),
    }
}

impl fmt::Display for LocalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.directory().display(), f)
    }
}

#[async_trait]
impl Store for LocalStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    async fn place(&self) -> Result<String, Error> {
        let real = |root: &Root| Ok(place::real(root.path()).display().to_string());
        self.root.limited(real).await
    }

    async fn stat(&self, paths: &[ReleasePath]) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
        let paths = paths.to_vec();
        self.root.limited(move |root| listing::stat(root, paths)).await
    }

    async fn list(&self, scope: &ListScope) -> Result<Vec<Listed>, Error> {
        let scope = scope.clone();
        self.root.limited(move |root| listing::list(root, &scope)).await
    }

    async fn read(&self, path: &ReleasePath) -> Result<Option<Document>, Error> {
        let path = path.clone();
        self.root.limited(move |root| object::read(root, &path)).await
    }

    async fn open(&self, path: &ReleasePath) -> Result<Option<ArtifactReader>, Error> {
        let file = self.file(path).await?;
        Ok(file.map(|file| Box::pin(file) as ArtifactReader))
    }

    async fn open_range(
        &self,
        path: &ReleasePath,
        range: Range<u64>,
    ) -> Result<Option<ArtifactReader>, Error> {
        let Some(mut file) = self.file(path).await? else { return Ok(None) };
        let failed = |source| Error::io("read", self.directory().join(path.as_str()), source);
        let size = file.metadata().await.map_err(failed)?.len();
        file.seek(SeekFrom::Start(range.start.min(size))).await.map_err(failed)?;
        Ok(Some(Box::pin(file.take(range.end.saturating_sub(range.start)))))
    }

    async fn send(&self, uploads: Vec<Upload>, context: &Context) -> Result<(), Error> {
        if uploads.is_empty() {
            return Ok(());
        }
        self.root.limited(Root::create).await?;
        // Dropping this future stops the copies, as a cancelled context does.
        let stop = context.cancellation().child_token();
        let _stop_on_drop = stop.clone().drop_guard();
        let context = context.clone().with_cancellation(stop);
        let above = |upload: &Upload| {
            let above = Path::new(upload.path().as_str()).ancestors().skip(1);
            above.map(Path::to_owned).collect::<Vec<_>>()
        };
        let directories: BTreeSet<PathBuf> = uploads.iter().flat_map(above).collect();
        let mut sends = stream::iter(uploads)
            .map(|upload| object::send(&self.root, upload, context.clone()))
            .buffer_unordered(PARALLEL_WRITES);
        // After a failure, stop the other copies and wait for them, so that none runs on unseen.
        let mut failed = None;
        while let Some(sent) = sends.next().await {
            if let Err(error) = sent
                && failed.is_none()
            {
                failed = Some(error);
                context.cancellation().cancel();
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        let sync = move |root: &Root| {
            let root = root.create()?;
            directories.iter().try_for_each(|path| root::sync(&root, path))
        };
        self.root.blocking(sync).await
    }

    async fn swap(
        &self,
        path: &ReleasePath,
        expected: Option<&Version>,
        content: Bytes,
    ) -> Result<Swap, Error> {
        let lock = flock::acquire(&self.root, flock::SWAP_LOCK, &Context::new()).await?;
        let (path, expected) = (path.clone(), expected.cloned());
        self.root
            .blocking(move |root| {
                let swap = object::swap(root, &path, expected.as_ref(), &content);
                drop(lock);
                swap
            })
            .await
    }

    async fn delete(&self, paths: &[ReleasePath], context: &Context) -> Result<(), Error> {
        let (paths, context) = (paths.to_vec(), context.clone());
        self.root.blocking(move |root| object::delete(root, &paths, &context)).await
    }

    async fn link(&self, links: &BTreeMap<ReleasePath, String>) -> Result<(), Error> {
        let links = links.clone();
        self.root
            .blocking(move |root| {
                links.iter().try_for_each(|(path, target)| object::link(root, path, target))
            })
            .await
    }

    async fn lock(&self, context: &Context) -> Result<StoreLock, Error> {
        let lock = flock::acquire(&self.root, flock::LOCK, context).await?;
        self.root.blocking(temporary::remove_abandoned).await?;
        let mode = self.root.limited(Root::mode).await?;
        if mode & OTHERS_WRITE != 0 {
            context.emit(open_to_all(self.directory(), mode));
        }
        if let Some(warning) = unreadable_root(&self.directory().display().to_string(), mode) {
            context.emit(warning);
        }
        Ok(StoreLock::new(lock))
    }
}
