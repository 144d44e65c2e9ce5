//! An object of a target as an artifact, for another target or for a new release.

use std::sync::Arc;

use async_trait::async_trait;
use netboot_core::{
    Artifact, ArtifactKind, ArtifactReader, Content, FileName, FileRecord, ReleasePath,
    Sha256Digest,
};

use crate::error::Error;
use crate::publisher::inventory::hashed_reader::HashedReader;
use crate::store::Store;

/// An artifact in a store. Reading fails if the object was altered at the store.
#[derive(Debug)]
pub(crate) struct StoredArtifact {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) kind: ArtifactKind,
    pub(crate) record: FileRecord,
    pub(crate) path: ReleasePath,
}

impl StoredArtifact {
    /// Makes an artifact of any object of a release.
    pub(crate) fn object(
        store: Arc<dyn Store>,
        path: &ReleasePath,
        content: Content,
    ) -> Result<Self, Error> {
        let record = FileRecord::new(file_name(path)?, content);
        Ok(Self { store, kind: ArtifactKind::Script, record, path: path.clone() })
    }
}

#[async_trait]
impl Artifact for StoredArtifact {
    fn kind(&self) -> ArtifactKind {
        self.kind
    }

    fn file_name(&self) -> &FileName {
        &self.record.file_name
    }

    fn size(&self) -> u64 {
        self.record.size
    }

    fn sha256(&self) -> Sha256Digest {
        self.record.sha256
    }

    async fn open(&self) -> Result<ArtifactReader, netboot_core::Error> {
        let failed = |source| netboot_core::Error::io("read", self.path.as_str(), source);
        match self.store.open(&self.path).await {
            Ok(Some(reader)) => Ok(Box::pin(HashedReader::new(reader, self.record.content()))),
            Ok(None) => Err(failed(std::io::ErrorKind::NotFound.into())),
            Err(error) => Err(failed(std::io::Error::other(error))),
        }
    }
}

/// The last part of a path.
pub(crate) fn file_name(path: &ReleasePath) -> Result<FileName, Error> {
    Ok(FileName::new(path.as_str().rsplit('/').next().unwrap_or_default())?)
}
