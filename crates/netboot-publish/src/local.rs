//! A directory of this machine.

mod copy;
mod flock;
mod listing;
mod object;
mod root;
mod temporary;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use netboot_core::{ArtifactReader, Context, ReleasePath};

use self::root::Root;
use crate::error::Error;
use crate::store::{
    Capabilities, Document, Entry, ListScope, Listed, Store, StoreLock, Swap, Upload, Version,
};

/// The number of objects that are written at once: enough to keep a disk busy during syncs.
const PARALLEL_WRITES: usize = 4;

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

    /// The directory.
    pub fn directory(&self) -> &Path {
        self.root.path()
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

    async fn stat(&self, paths: &[ReleasePath]) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
        let paths = paths.to_vec();
        self.root.blocking(move |root| listing::stat(root, paths)).await
    }

    async fn list(&self, scope: &ListScope) -> Result<Vec<Listed>, Error> {
        let scope = scope.clone();
        self.root.blocking(move |root| listing::list(root, &scope)).await
    }

    async fn read(&self, path: &ReleasePath) -> Result<Option<Document>, Error> {
        let path = path.clone();
        self.root.blocking(move |root| object::read(root, &path)).await
    }

    async fn open(&self, path: &ReleasePath) -> Result<Option<ArtifactReader>, Error> {
        let path = path.clone();
        let file = self.root.blocking(move |root| object::open(root, &path)).await?;
        Ok(file.map(|file| Box::pin(tokio::fs::File::from_std(file)) as ArtifactReader))
    }

    async fn send(&self, uploads: Vec<Upload>, context: &Context) -> Result<(), Error> {
        if uploads.is_empty() {
            return Ok(());
        }
        self.root.blocking(Root::create).await?;
        // Dropping this future stops the copies, as a cancelled context does.
        let stop = context.cancellation().child_token();
        let _stop_on_drop = stop.clone().drop_guard();
        let context = context.clone().with_cancellation(stop);
        let directories: BTreeSet<PathBuf> =
            uploads.iter().flat_map(|upload| self.root.ancestors(upload.path())).collect();
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
        self.root.blocking(move |_| directories.iter().try_for_each(|path| root::sync(path))).await
    }

    async fn swap(
        &self,
        path: &ReleasePath,
        expected: Option<&Version>,
        content: Bytes,
    ) -> Result<Swap, Error> {
        self.root.blocking(Root::create).await?;
        let lock = flock::acquire(self.root.swap_lock(), &Context::new()).await?;
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
                root.create()?;
                links.iter().try_for_each(|(path, target)| object::link(root, path, target))
            })
            .await
    }

    async fn lock(&self, context: &Context) -> Result<StoreLock, Error> {
        self.root.blocking(Root::create).await?;
        let lock = flock::acquire(self.root.lock(), context).await?;
        self.root.blocking(temporary::remove_abandoned).await?;
        Ok(StoreLock::new(lock))
    }
}
