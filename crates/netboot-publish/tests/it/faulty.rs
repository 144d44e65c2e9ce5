//! A store in memory that is slow, fails or loses its lock when a test needs it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use netboot_core::{ArtifactReader, CancellationToken, Context, ReleasePath};
use netboot_publish::{
    Document, Entry, Error, ListScope, Listed, MemoryStore, Store, StoreLayer, StoreLock, Swap,
    Upload, Version,
};

use crate::patience::until;

/// Creates a reader.
pub(crate) type Open = fn() -> ArtifactReader;

/// The faults of a [`Faulty`] store. Clones share them, so that a test can change them at any time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    /// Cancel this to lose the lock.
    pub(crate) lock_lost: CancellationToken,
    /// Deleting this object cancels `lock_lost`.
    pub(crate) loses_lock_deleting: Option<ReleasePath>,
    /// Sending waits until this is cancelled.
    pub(crate) send_after: Option<CancellationToken>,
    /// Sending waits until so many calls of `send` have been in progress at once.
    pub(crate) send_with: usize,
    /// True to make sending fail.
    pub(crate) send_fails: Arc<AtomicBool>,
    /// True to make swaps fail.
    pub(crate) swap_fails: Arc<AtomicBool>,
    /// True to make the next swap fail after it has happened.
    pub(crate) swap_fails_late: Arc<AtomicBool>,
    /// The number of swaps that succeed before swaps fail.
    pub(crate) swaps: Arc<AtomicUsize>,
    /// A swap waits until this is cancelled.
    pub(crate) swap_after: Option<CancellationToken>,
    /// The store cancels this when a swap begins.
    pub(crate) on_swap: Option<CancellationToken>,
    /// The object that `read` fails for.
    pub(crate) unreadable: Arc<Mutex<Option<ReleasePath>>>,
    /// The reader that `open` returns for every object.
    pub(crate) reader: Arc<Mutex<Option<Open>>>,
    /// The number of calls until the one that fails, over all stores that share this; 0 if none
    /// does.
    pub(crate) calls_left: Arc<AtomicUsize>,
    /// The objects that `open` was asked for.
    pub(crate) opened: Arc<Mutex<Vec<ReleasePath>>>,
    /// The number of calls of `stat`, `list` and `read` so far.
    pub(crate) asked: Arc<AtomicUsize>,
    /// The current and the maximum number of simultaneous calls of `send`, over all stores that
    /// share this.
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

    /// Counts a call, and fails at the chosen one.
    fn call(&self) -> Result<(), Error> {
        let count = |left: usize| left.checked_sub(1);
        match self.faults.calls_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count) {
            Ok(1) => Err(Error::io("use", "the store", io::Error::other("the call that fails"))),
            _ => Ok(()),
        }
    }

    fn broken(action: &'static str, path: &str) -> Error {
        Error::io(action, path, io::ErrorKind::StorageFull.into())
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
        self.call()?;
        self.inner.stat(paths).await
    }

    async fn list(&self, scope: &ListScope) -> Result<Vec<Listed>, Error> {
        self.faults.asked.fetch_add(1, Ordering::SeqCst);
        self.call()?;
        self.inner.list(scope).await
    }

    async fn read(&self, path: &ReleasePath) -> Result<Option<Document>, Error> {
        self.faults.asked.fetch_add(1, Ordering::SeqCst);
        self.call()?;
        let unreadable = self.faults.unreadable.lock().map(|path| path.clone());
        if unreadable.is_ok_and(|unreadable| unreadable.as_ref() == Some(path)) {
            return Err(Self::broken("read", path.as_str()));
        }
        self.inner.read(path).await
    }

    async fn open(&self, path: &ReleasePath) -> Result<Option<ArtifactReader>, Error> {
        self.call()?;
        if let Ok(mut opened) = self.faults.opened.lock() {
            opened.push(path.clone());
        }
        let reader = self.faults.reader.lock().map(|reader| *reader);
        match reader.unwrap_or_default() {
            Some(reader) => Ok(Some(reader())),
            None => self.inner.open(path).await,
        }
    }

    async fn open_range(
        &self,
        path: &ReleasePath,
        range: Range<u64>,
    ) -> Result<Option<ArtifactReader>, Error> {
        self.call()?;
        self.inner.open_range(path, range).await
    }

    async fn send(&self, uploads: Vec<Upload>, context: &Context) -> Result<(), Error> {
        self.call()?;
        let (now, most) = &*self.faults.sending;
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        if let Some(token) = &self.faults.send_after {
            token.cancelled().await;
        }
        until("the meeting of senders", || most.load(Ordering::SeqCst) >= self.faults.send_with)
            .await;
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
        self.call()?;
        if let Some(token) = &self.faults.on_swap {
            token.cancel();
        }
        if let Some(token) = &self.faults.swap_after {
            token.cancelled().await;
        }
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
        self.call()?;
        self.inner.delete(paths, context).await?;
        if self.faults.loses_lock_deleting.as_ref().is_some_and(|path| paths.contains(path)) {
            self.faults.lock_lost.cancel();
        }
        Ok(())
    }

    async fn link(&self, links: &BTreeMap<ReleasePath, String>) -> Result<(), Error> {
        self.call()?;
        self.inner.link(links).await
    }

    async fn lock(&self, context: &Context) -> Result<StoreLock, Error> {
        self.call()?;
        Ok(self.inner.lock(context).await?.with_loss(self.faults.lock_lost.clone()))
    }
}
