//! A target in memory, for tests.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use netboot_core::{ArtifactReader, Content, Context, ReleasePath, Sha256Digest};
use tokio::io::AsyncReadExt;

use crate::error::Error;
use crate::store::{
    Capabilities, DOCUMENT_LIMIT, Document, Entry, ListScope, Listed, Store, StoreLock, Swap,
    Upload, Version,
};

/// A store in memory. Clones share its objects, so that one can publish and another can look.
///
/// To test how a caller works without a capability, turn it off:
///
/// ```
/// use netboot_publish::{Capabilities, MemoryStore, Publisher};
///
/// let store = MemoryStore::new().with_capabilities(Capabilities::none());
/// let publisher = Publisher::new(store.clone());
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    capabilities: Capabilities,
    contents: Arc<Mutex<Contents>>,
    lock: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct Contents {
    places: BTreeMap<ReleasePath, Place>,
    /// Increases with every change, so that no version is used twice.
    changes: u64,
}

enum Place {
    Object { bytes: Bytes, modified: SystemTime, version: Version },
    Link { target: String },
}

impl Place {
    fn entry(&self) -> Entry {
        match self {
            Self::Object { bytes, modified, .. } => {
                Entry::Object { size: bytes.len() as u64, modified: *modified }
            }
            Self::Link { target } => Entry::Link { target: target.clone() },
        }
    }

    fn version(&self) -> Option<&Version> {
        match self {
            Self::Object { version, .. } => Some(version),
            Self::Link { .. } => None,
        }
    }
}

impl Contents {
    fn put(&mut self, path: ReleasePath, bytes: Bytes) {
        self.changes += 1;
        let version = Version::new(self.changes.to_string());
        self.places.insert(path, Place::Object { bytes, modified: SystemTime::now(), version });
    }
}

impl MemoryStore {
    /// An empty store with all capabilities.
    pub fn new() -> Self {
        Self { capabilities: Capabilities::all(), contents: Arc::default(), lock: Arc::default() }
    }

    /// Sets the capabilities.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        // Code that holds the lock does not panic, and each change is a single step.
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bytes(&self, path: &ReleasePath) -> Result<Option<(Bytes, Version)>, Error> {
        match self.contents().places.get(path) {
            Some(Place::Object { bytes, version, .. }) => {
                Ok(Some((bytes.clone(), version.clone())))
            }
            Some(Place::Link { .. }) => {
                let path = path.as_str().into();
                Err(Error::Target(netboot_core::Error::SymbolicLink { path }))
            }
            None => Ok(None),
        }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("capabilities", &self.capabilities)
            .field("objects", &self.contents().places.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("memory")
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn stat(&self, paths: &[ReleasePath]) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
        let contents = self.contents();
        let entry = |path: &ReleasePath| Some((path.clone(), contents.places.get(path)?.entry()));
        Ok(paths.iter().filter_map(entry).collect())
    }

    async fn list(&self, scope: &ListScope) -> Result<Vec<Listed>, Error> {
        let in_scope = |path: &ReleasePath| match scope {
            ListScope::Root => !path.as_str().contains('/'),
            ListScope::Below(directory) => path
                .as_str()
                .strip_prefix(directory.as_str())
                .is_some_and(|rest| rest.starts_with('/')),
        };
        let contents = self.contents();
        let places = contents.places.iter().filter(|(path, _)| in_scope(path));
        Ok(places
            .map(|(path, place)| Listed { path: path.to_string(), entry: place.entry() })
            .collect())
    }

    async fn read(&self, path: &ReleasePath) -> Result<Option<Document>, Error> {
        let Some((bytes, version)) = self.bytes(path)? else { return Ok(None) };
        let size = bytes.len() as u64;
        if size > DOCUMENT_LIMIT {
            return Err(Error::TooLarge { path: path.clone(), size, limit: DOCUMENT_LIMIT });
        }
        Ok(Some(Document { bytes, version }))
    }

    async fn open(&self, path: &ReleasePath) -> Result<Option<ArtifactReader>, Error> {
        self.open_range(path, 0..u64::MAX).await
    }

    async fn open_range(
        &self,
        path: &ReleasePath,
        range: Range<u64>,
    ) -> Result<Option<ArtifactReader>, Error> {
        let reader = |(bytes, _): (Bytes, _)| {
            let at = |place| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
            let part = bytes.slice(at(range.start).min(at(range.end))..at(range.end));
            Box::pin(std::io::Cursor::new(part)) as ArtifactReader
        };
        Ok(self.bytes(path)?.map(reader))
    }

    async fn send(&self, uploads: Vec<Upload>, context: &Context) -> Result<(), Error> {
        for upload in uploads {
            context.check()?;
            let path = upload.path();
            let mut bytes = Vec::new();
            // One extra byte is enough to detect an artifact that is too long.
            let mut reader = upload.artifact().open().await?.take(upload.artifact().size() + 1);
            let read = reader.read_to_end(&mut bytes).await;
            read.map_err(|source| {
                Error::io("read", upload.artifact().file_name().as_str(), source)
            })?;
            let found = Content { size: bytes.len() as u64, sha256: Sha256Digest::of(&bytes) };
            upload.check(found)?;
            self.contents().put(path.clone(), bytes.into());
            upload.progress(found.size, context);
        }
        Ok(())
    }

    async fn swap(
        &self,
        path: &ReleasePath,
        expected: Option<&Version>,
        content: Bytes,
    ) -> Result<Swap, Error> {
        let mut contents = self.contents();
        let found = contents.places.get(path).and_then(Place::version);
        if self.capabilities.compare_and_swap() && found != expected {
            return Ok(Swap::Conflict);
        }
        contents.put(path.clone(), content);
        Ok(Swap::Done)
    }

    async fn delete(&self, paths: &[ReleasePath], context: &Context) -> Result<(), Error> {
        context.check()?;
        let mut contents = self.contents();
        for path in paths {
            contents.places.remove(path);
        }
        Ok(())
    }

    async fn link(&self, links: &BTreeMap<ReleasePath, String>) -> Result<(), Error> {
        if !self.capabilities.links() {
            return Err(Error::LinksUnsupported { store: self.to_string() });
        }
        let mut contents = self.contents();
        for (path, target) in links {
            contents.places.insert(path.clone(), Place::Link { target: target.clone() });
        }
        Ok(())
    }

    async fn lock(&self, context: &Context) -> Result<StoreLock, Error> {
        context.check()?;
        if !self.capabilities.lock() {
            return Ok(StoreLock::none());
        }
        tokio::select! {
            guard = self.lock.clone().lock_owned() => Ok(StoreLock::new(guard)),
            () = context.cancellation().cancelled() => Err(Error::Cancelled),
        }
    }
}
