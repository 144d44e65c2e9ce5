//! A store that is slow, fails or breaks off where a test wants it to, around one in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use netboot_core::{ArtifactReader, CancellationToken, Context, ReleasePath};
use netboot_publish::{
    Document, Entry, Error, ListScope, Listed, MemoryStore, Store, StoreLayer, StoreLock, Swap,
    Upload, Version,
};

/// Makes a reader.
pub(crate) type Open = fn() -> ArtifactReader;

/// What a [`Faulty`] store does wrong; clones share it, so that it can be changed under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    /// Cancelled when the lock is lost.
    pub(crate) lock_lost: CancellationToken,
    /// What cancels `lock_lost` once it is deleted.
    pub(crate) loses_lock_deleting: Option<ReleasePath>,
    /// How long each batch takes to be sent.
    pub(crate) send_time: Duration,
    /// Whether sending fails.
    pub(crate) send_fails: Arc<AtomicBool>,
    /// Whether the pointer cannot be swapped.
    pub(crate) swap_fails: Arc<AtomicBool>,
    /// Whether swapping the pointer fails after it was done.
    pub(crate) swap_fails_late: Arc<AtomicBool>,
    /// How many swaps work before they fail.
    pub(crate) swaps: Arc<AtomicUsize>,
    /// How long a swap takes.
    pub(crate) swap_time: Duration,
    /// Cancelled when a swap begins.
    pub(crate) on_swap: Option<CancellationToken>,
    /// What cannot be read as a whole.
    pub(crate) unreadable: Arc<Mutex<Option<ReleasePath>>>,
    /// What is opened instead of any object.
    pub(crate) reader: Arc<Mutex<Option<Open>>>,
    /// How often it was asked for something so far.
    pub(crate) asked: Arc<AtomicUsize>,
    /// How many are sending at this moment, over all stores that share this, and the most so far.
    pub(crate) sending: Arc<(AtomicUsize, AtomicUsize)>,
}

/// A store in memory with faults.
#[derive(Debug, Clone)]
pub(crate) struct Faulty {
    pub(crate) inner: MemoryStore,
    pub(crate) faults: Faults,
}

impl Faulty {
    pub(crate) fn new(faults: Faults) -> Self {
        Self { inner: MemoryStore::new(), faults }
    }

    fn broken(action: &'static str, path: &str) -> Error {
        Error::io(action, path, std::io::ErrorKind::StorageFull.into())
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("a faulty store")
    }
}

#[async_trait]
impl StoreLayer for Faulty {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    async fn stat(&self, paths: &[ReleasePath]) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
        self.faults.asked.fetch_add(1, Ordering::SeqCst);
        self.inner.stat(paths).await
    }

    async fn list(&self, scope: &ListScope) -> Result<Vec<Listed>, Error> {
        self.faults.asked.fetch_add(1, Ordering::SeqCst);
        self.inner.list(scope).await
    }

    async fn read(&self, path: &ReleasePath) -> Result<Option<Document>, Error> {
        self.faults.asked.fetch_add(1, Ordering::SeqCst);
        let unreadable = self.faults.unreadable.lock().map(|path| path.clone());
        if unreadable.is_ok_and(|unreadable| unreadable.as_ref() == Some(path)) {
            return Err(Self::broken("read", path.as_str()));
        }
        self.inner.read(path).await
    }

    async fn open(&self, path: &ReleasePath) -> Result<Option<ArtifactReader>, Error> {
        let reader = self.faults.reader.lock().map(|reader| *reader);
        match reader.unwrap_or_default() {
            Some(reader) => Ok(Some(reader())),
            None => self.inner.open(path).await,
        }
    }

    async fn send(&self, uploads: Vec<Upload>, context: &Context) -> Result<(), Error> {
        let (now, most) = &*self.faults.sending;
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::time::sleep(self.faults.send_time).await;
        now.fetch_sub(1, Ordering::SeqCst);
        if self.faults.send_fails.load(Ordering::SeqCst) && !uploads.is_empty() {
            return Err(Self::broken("write", uploads[0].path().as_str()));
        }
        self.inner.send(uploads, context).await
    }

    async fn swap(
        &self,
        path: &ReleasePath,
        expected: Option<&Version>,
        content: Bytes,
    ) -> Result<Swap, Error> {
        if let Some(token) = &self.faults.on_swap {
            token.cancel();
        }
        tokio::time::sleep(self.faults.swap_time).await;
        let works = self
            .faults
            .swaps
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if self.faults.swap_fails.load(Ordering::SeqCst) && works.is_err() {
            return Err(Self::broken("write", path.as_str()));
        }
        let swap = self.inner.swap(path, expected, content).await?;
        if self.faults.swap_fails_late.swap(false, Ordering::SeqCst) {
            return Err(Self::broken("write", path.as_str()));
        }
        Ok(swap)
    }

    async fn delete(&self, paths: &[ReleasePath], context: &Context) -> Result<(), Error> {
        self.inner.delete(paths, context).await?;
        if self.faults.loses_lock_deleting.as_ref().is_some_and(|path| paths.contains(path)) {
            self.faults.lock_lost.cancel();
        }
        Ok(())
    }

    async fn lock(&self, context: &Context) -> Result<StoreLock, Error> {
        Ok(self.inner.lock(context).await?.with_loss(self.faults.lock_lost.clone()))
    }
}
