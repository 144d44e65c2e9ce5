//! Two publishers that read the pointer before either replaces it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use netboot_core::{Artifact, ArtifactKind, ArtifactReader, FileName, Sha256Digest};
use tokio::sync::Barrier;

/// An artifact that waits until the other publisher sends its own artifact. By then both have read
/// the pointer.
#[derive(Debug)]
pub(crate) struct Meeting {
    pub(crate) artifact: Arc<dyn Artifact>,
    pub(crate) barrier: Arc<Barrier>,
    /// The time after which it waits no longer, or `None` if it always waits.
    pub(crate) patience: Option<Duration>,
}

#[async_trait]
impl Artifact for Meeting {
    fn kind(&self) -> ArtifactKind {
        self.artifact.kind()
    }
    fn file_name(&self) -> &FileName {
        self.artifact.file_name()
    }
    fn size(&self) -> u64 {
        self.artifact.size()
    }
    fn sha256(&self) -> Sha256Digest {
        self.artifact.sha256()
    }
    async fn open(&self) -> Result<ArtifactReader, netboot_core::Error> {
        let patience = self.patience.unwrap_or(Duration::MAX);
        let _ = tokio::time::timeout(patience, self.barrier.wait()).await;
        self.artifact.open().await
    }
}
