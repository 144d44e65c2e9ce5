//! Artifacts for tests.

use async_trait::async_trait;
use bytes::Bytes;
use netboot_core::{Artifact, ArtifactKind, ArtifactReader, FileName, Sha256Digest};
use tokio::io::AsyncReadExt;

/// An artifact that announces other bytes than it has.
#[derive(Debug)]
pub(crate) struct Lying {
    pub(crate) name: FileName,
    pub(crate) size: u64,
    pub(crate) sha256: Sha256Digest,
    pub(crate) bytes: Bytes,
}

#[async_trait]
impl Artifact for Lying {
    fn kind(&self) -> ArtifactKind {
        ArtifactKind::Initrd
    }
    fn file_name(&self) -> &FileName {
        &self.name
    }
    fn size(&self) -> u64 {
        self.size
    }
    fn sha256(&self) -> Sha256Digest {
        self.sha256
    }
    async fn open(&self) -> Result<ArtifactReader, netboot_core::Error> {
        Ok(Box::pin(std::io::Cursor::new(self.bytes.clone())))
    }
}

/// An artifact of zero bytes of any length, which never holds all of them in memory.
#[derive(Debug)]
pub(crate) struct Zeros(pub(crate) FileName, pub(crate) u64);

#[async_trait]
impl Artifact for Zeros {
    fn kind(&self) -> ArtifactKind {
        ArtifactKind::Initrd
    }
    fn file_name(&self) -> &FileName {
        &self.0
    }
    fn size(&self) -> u64 {
        self.1
    }
    fn sha256(&self) -> Sha256Digest {
        let mut hasher = netboot_core::Sha256Hasher::new();
        let zeros = [0; 4096];
        let mut left = self.1;
        while left > 0 {
            let length = left.min(4096);
            hasher.update(&zeros[..usize::try_from(length).unwrap()]);
            left -= length;
        }
        hasher.finish().0
    }
    async fn open(&self) -> Result<ArtifactReader, netboot_core::Error> {
        Ok(Box::pin(tokio::io::repeat(0).take(self.1)))
    }
}
