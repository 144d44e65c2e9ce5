//! Artifacts in memory.

use async_trait::async_trait;
use bytes::Bytes;

use crate::artifact::{Artifact, ArtifactReader};
use crate::artifact_kind::ArtifactKind;
use crate::digest::Sha256Digest;
use crate::error::Error;
use crate::name::FileName;

/// An artifact in memory, such as a script, a manifest or a small layer.
///
/// ```
/// use netboot_core::{Artifact, ArtifactKind, BytesArtifact};
///
/// let script = BytesArtifact::new(ArtifactKind::Script, "boot.ipxe", "#!ipxe\n")?;
/// assert_eq!(script.size(), 7);
/// # Ok::<(), netboot_core::Error>(())
/// ```
#[derive(Clone)]
pub struct BytesArtifact {
    kind: ArtifactKind,
    file_name: FileName,
    bytes: Bytes,
    sha256: Sha256Digest,
}

impl BytesArtifact {
    /// Creates an artifact from `bytes`, and hashes them.
    ///
    /// # Errors
    /// [`InvalidValue`](crate::InvalidValue) for a text that is not a file name.
    pub fn new<N: TryInto<FileName>>(
        kind: ArtifactKind,
        file_name: N,
        bytes: impl Into<Bytes>,
    ) -> Result<Self, N::Error> {
        let (file_name, bytes) = (file_name.try_into()?, bytes.into());
        let sha256 = Sha256Digest::of(&bytes);
        Ok(Self { kind, file_name, bytes, sha256 })
    }

    /// Returns the bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl std::fmt::Debug for BytesArtifact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BytesArtifact")
            .field("kind", &self.kind)
            .field("file_name", &self.file_name)
            .field("size", &self.bytes.len())
            .field("sha256", &self.sha256)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Artifact for BytesArtifact {
    fn kind(&self) -> ArtifactKind {
        self.kind
    }

    fn file_name(&self) -> &FileName {
        &self.file_name
    }

    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn sha256(&self) -> Sha256Digest {
        self.sha256
    }

    async fn open(&self) -> Result<ArtifactReader, Error> {
        Ok(Box::pin(std::io::Cursor::new(self.bytes.clone())))
    }
}
