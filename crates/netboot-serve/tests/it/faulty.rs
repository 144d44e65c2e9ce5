//! A store that fails: at once, in the middle of an object, or by giving something else.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use netboot_core::{ArtifactReader, ReleasePath};
use netboot_publish::{Error, MemoryStore, Store, StoreLayer, async_trait};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use crate::running::put;

/// A layer whose objects break off after a number of bytes, and that may fail at once.
#[derive(Debug, Clone)]
pub(crate) struct Faulty {
    pub(crate) inner: MemoryStore,
    pub(crate) breaks_after: Arc<AtomicU64>,
    /// What comes then.
    pub(crate) fault: Arc<Mutex<Fault>>,
    pub(crate) is_down: Arc<AtomicBool>,
    /// An object is replaced by the next of these just before it is opened.
    pub(crate) replacements: Arc<Mutex<VecDeque<Bytes>>>,
}

/// The end of an object.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    Broken,
    /// A reader whose own time is over.
    TimedOut,
    /// A reader that gives nothing for ever.
    Silent,
    /// More bytes than the object has.
    Longer,
}

impl Faulty {
    pub(crate) fn new() -> Self {
        let breaks_after = Arc::new(AtomicU64::new(u64::MAX));
        Self {
            inner: MemoryStore::new(),
            breaks_after,
            fault: Arc::new(Mutex::new(Fault::Broken)),
            is_down: Arc::default(),
            replacements: Arc::default(),
        }
    }

    /// Objects have this fault after a number of bytes.
    pub(crate) fn fail_after(&self, bytes: u64, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
        self.breaks_after.store(bytes, Ordering::SeqCst);
    }

    fn check(&self) -> Result<(), Error> {
        if !self.is_down.load(Ordering::SeqCst) {
            return Ok(());
        }
        let source = io::Error::new(io::ErrorKind::ConnectionRefused, "the key is hunter2");
        Err(Error::Io { action: "read", path: "s3://secret-bucket".into(), source })
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("a store that fails")
    }
}

#[async_trait]
impl StoreLayer for Faulty {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    async fn open(&self, path: &ReleasePath) -> Result<Option<ArtifactReader>, Error> {
        StoreLayer::open_range(self, path, 0..u64::MAX).await
    }

    async fn open_range(
        &self,
        path: &ReleasePath,
        range: Range<u64>,
    ) -> Result<Option<ArtifactReader>, Error> {
        self.check()?;
        let replacement = self.replacements.lock().unwrap().pop_front();
        if let Some(bytes) = replacement {
            put(&self.inner, path.as_str(), bytes).await;
        }
        let Some(reader) = self.inner.open_range(path, range).await? else { return Ok(None) };
        let most = self.breaks_after.load(Ordering::SeqCst);
        if most == u64::MAX {
            return Ok(Some(reader));
        }
        let reader = reader.take(most);
        let fault = *self.fault.lock().unwrap();
        Ok(Some(match fault {
            Fault::Broken => {
                Box::pin(reader.chain(Broken(io::ErrorKind::Other, "the disk is gone")))
            }
            Fault::TimedOut => Box::pin(reader.chain(Broken(io::ErrorKind::TimedOut, "too late"))),
            Fault::Silent => Box::pin(reader.chain(Silent)),
            Fault::Longer => Box::pin(reader.chain(&b"more"[..])),
        }))
    }
}

/// A reader that fails.
struct Broken(io::ErrorKind, &'static str);

impl AsyncRead for Broken {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::Error::new(self.0, self.1)))
    }
}

/// A reader that never ends.
struct Silent;

impl AsyncRead for Silent {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}
