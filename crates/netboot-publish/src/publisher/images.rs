//! The images of a release that is at the target already.

use std::sync::Arc;

use async_trait::async_trait;
use netboot_core::{
    Artifact, ArtifactKind, ArtifactReader, Content, FileName, FileRecord, Image, ReleaseId,
    ReleasePath, Sha256Digest, layout,
};

use super::Publisher;
use crate::{Error, Store};

impl Publisher {
    /// The images of a release at the target, to make another release of them together with new
    /// ones: when only one profile was built, the others stay what they are. Their files are at
    /// the target already and are not sent again.
    ///
    /// # Errors
    /// [`Error::NotStaged`], [`Error::MalformedManifest`]; when the target cannot be reached or
    /// read.
    pub async fn images(&self, release: &ReleaseId) -> Result<Vec<Image>, Error> {
        let stored = self.read_staged(release).await?;
        let images = stored.manifest.images().iter().map(|(profile, manifest)| {
            Ok(Image::from_manifest(profile, manifest, |kind, record: &FileRecord| {
                let path = match kind {
                    ArtifactKind::BuildLog => {
                        layout::in_release(release, &layout::build_log(profile))
                    }
                    _ => layout::blob(&record.sha256),
                };
                let (store, record) = (self.store.clone(), record.clone());
                Arc::new(StoredArtifact { store, kind, record, path })
            })?)
        });
        images.collect()
    }
}

/// An artifact that lies in a store.
#[derive(Debug)]
pub(super) struct StoredArtifact {
    store: Arc<dyn Store>,
    kind: ArtifactKind,
    record: FileRecord,
    path: ReleasePath,
}

impl StoredArtifact {
    /// Any object of a release.
    pub(super) fn object(
        store: Arc<dyn Store>,
        path: &ReleasePath,
        content: Content,
    ) -> Result<Self, Error> {
        let file_name = path.as_str().rsplit('/').next().unwrap_or_default();
        let file_name = FileName::new(file_name)?;
        let record = FileRecord::new(file_name, content);
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
            Ok(Some(reader)) => Ok(reader),
            Ok(None) => Err(failed(std::io::ErrorKind::NotFound.into())),
            Err(error) => Err(failed(std::io::Error::other(error))),
        }
    }
}
