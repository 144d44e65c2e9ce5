//! Your own store: a layer around another store that records every change.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use netboot_core::{Context, ReleasePath};
use netboot_publish::{Error, Store, StoreLayer, Swap, Upload, Version, async_trait};
use tokio::fs::OpenOptions;
use tokio::io::AsyncWriteExt;
use tokio::sync::Mutex;

/// A layer around another store that writes every change to a file, with its time, before the
/// change is made. The file therefore contains every change at the target.
///
/// It shows how a [`StoreLayer`] changes a part of what a store does. A test holds it to the
/// contract of [`Store`], and a [`Publisher`](netboot_publish::Publisher) with it to the
/// publisher's contract.
#[derive(Debug)]
pub struct AuditedStore {
    inner: Arc<dyn Store>,
    file: PathBuf,
    writing: Mutex<()>,
}

impl AuditedStore {
    /// Appends the changes of `inner` to `file`.
    pub fn new(inner: Arc<dyn Store>, file: impl Into<PathBuf>) -> Self {
        Self { inner, file: file.into(), writing: Mutex::default() }
    }

    /// Writes a line for each path. The lines are on the disk when this returns.
    async fn record(
        &self,
        action: &'static str,
        paths: impl IntoIterator<Item = &ReleasePath>,
    ) -> Result<(), Error> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let lines = paths.into_iter().map(|path| format!("{now} {action} {path}\n"));
        let lines: String = lines.collect();
        if lines.is_empty() {
            return Ok(());
        }
        let _one_at_a_time = self.writing.lock().await;
        let written = async {
            let mut file = OpenOptions::new().create(true).append(true).open(&self.file).await?;
            file.write_all(lines.as_bytes()).await?;
            file.sync_data().await
        };
        written.await.map_err(|source| Error::io("write", &self.file, source))
    }
}

/// The name that operators read in errors and warnings.
impl fmt::Display for AuditedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (audited)", self.inner)
    }
}

#[async_trait]
impl StoreLayer for AuditedStore {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    async fn send(&self, uploads: Vec<Upload>, context: &Context) -> Result<(), Error> {
        context.check()?;
        self.record("send", uploads.iter().map(Upload::path)).await?;
        self.inner.send(uploads, context).await
    }

    async fn swap(
        &self,
        path: &ReleasePath,
        expected: Option<&Version>,
        content: Bytes,
    ) -> Result<Swap, Error> {
        self.record("swap", [path]).await?;
        self.inner.swap(path, expected, content).await
    }

    async fn delete(&self, paths: &[ReleasePath], context: &Context) -> Result<(), Error> {
        context.check()?;
        self.record("delete", paths).await?;
        self.inner.delete(paths, context).await
    }

    async fn link(&self, links: &BTreeMap<ReleasePath, String>) -> Result<(), Error> {
        self.record("link", links.keys()).await?;
        self.inner.link(links).await
    }
}
