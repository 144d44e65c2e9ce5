//! A store that fails: at once, or in the middle of an object.

use std::fmt;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use netboot_core::{ArtifactReader, ReleasePath};
use netboot_publish::{Error, MemoryStore, Store, StoreLayer, async_trait};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

/// A layer whose objects break off after a number of bytes, and that may fail at once.
#[derive(Debug, Clone)]
pub(crate) struct Faulty {
    pub(crate) inner: MemoryStore,
    pub(crate) breaks_after: Arc<AtomicU64>,
    pub(crate) is_down: Arc<AtomicBool>,
}

impl Faulty {
    pub(crate) fn new() -> Self {
        let breaks_after = Arc::new(AtomicU64::new(u64::MAX));
        Self { inner: MemoryStore::new(), breaks_after, is_down: Arc::default() }
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
        let Some(reader) = self.inner.open_range(path, range).await? else { return Ok(None) };
        let most = self.breaks_after.load(Ordering::SeqCst);
        if most == u64::MAX {
            return Ok(Some(reader));
        }
        Ok(Some(Box::pin(reader.take(most).chain(Broken))))
    }
}

/// A reader that fails.
struct Broken;

impl AsyncRead for Broken {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::Error::other("the disk is gone")))
    }
}
