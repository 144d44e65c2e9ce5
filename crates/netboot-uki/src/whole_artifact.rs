//! Reading an artifact to its end, and comparing its bytes with its size and its digest.

use std::path::PathBuf;

use netboot_core::{Artifact, ArtifactReader, Context, Sha256Digest, Sha256Hasher};
use tokio::io::{AsyncReadExt, Take};

use crate::error::Error;
use crate::pe::problem::PeProblem;

/// The number of bytes that are read at once.
const CHUNK: usize = 1024 * 1024;

/// An artifact that is read from its first byte to its last one.
pub(crate) struct WholeArtifact<'a> {
    path: PathBuf,
    size: u64,
    sha256: Sha256Digest,
    reader: Take<ArtifactReader>,
    hasher: Sha256Hasher,
    done: u64,
    buffer: Vec<u8>,
    context: &'a Context,
}

impl<'a> WholeArtifact<'a> {
    pub(crate) async fn open(artifact: &dyn Artifact, context: &'a Context) -> Result<Self, Error> {
        let size = artifact.size();
        Ok(Self {
            path: artifact.file_name().as_str().into(),
            size,
            sha256: artifact.sha256(),
            // One byte more than expected tells that the file has grown.
            reader: artifact.open().await?.take(size.saturating_add(1)),
            hasher: Sha256Hasher::new(),
            done: 0,
            buffer: vec![0; CHUNK],
            context,
        })
    }

    /// Returns the next bytes, or `None` behind the last one. The caller reads to this `None`,
    /// which says that all bytes are those of the artifact.
    ///
    /// # Errors
    /// [`Error::Program`] if the artifact has another size, [`Error::Core`] with
    /// [`ArtifactChanged`](netboot_core::Error::ArtifactChanged) if it has another digest, or if
    /// the work was cancelled, [`Error::Io`] if it cannot be read.
    pub(crate) async fn next(&mut self) -> Result<Option<&[u8]>, Error> {
        let read = self.reader.read(&mut self.buffer);
        let count = tokio::select! {
            biased;
            () = self.context.cancellation().cancelled() => {
                return Err(netboot_core::Error::Cancelled.into());
            }
            count = read => count.map_err(|source| {
                Error::Io { action: "read", path: self.path.clone(), source }
            })?,
        };
        if count > 0 {
            self.done += count as u64;
            let bytes = &self.buffer[..count];
            self.hasher.update(bytes);
            return Ok(Some(bytes));
        }
        let path = self.path.clone();
        if self.done != self.size {
            return Err(Error::Program { path, problem: PeProblem::Changed });
        }
        let hasher = std::mem::replace(&mut self.hasher, Sha256Hasher::new());
        if hasher.finish().0 != self.sha256 {
            return Err(netboot_core::Error::ArtifactChanged { path }.into());
        }
        Ok(None)
    }
}
