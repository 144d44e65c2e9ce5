//! Reads the bytes of an artifact in pieces, and checks that they are the expected ones.

use bytes::Bytes;
use netboot_core::{ArtifactReader, Content, Sha256Hasher};
use tokio::io::AsyncReadExt;

use crate::error::Error;
use crate::store::Upload;

/// Reads an artifact once. An artifact that is a file is not hashed again: it is opened again after
/// the last byte, which fails if the file has changed.
pub(crate) struct UploadSource {
    upload: Upload,
    reader: ArtifactReader,
    hasher: Option<Sha256Hasher>,
    read: u64,
}

impl UploadSource {
    pub(crate) async fn open(upload: Upload) -> Result<Self, Error> {
        let reader = upload.artifact().open().await?;
        let is_file = upload.artifact().local_path().is_some();
        Ok(Self { upload, reader, hasher: (!is_file).then(Sha256Hasher::new), read: 0 })
    }

    /// Reads the next piece: `size` bytes, or fewer at the end.
    pub(crate) async fn next(&mut self, size: usize) -> Result<Bytes, Error> {
        let mut bytes = Vec::with_capacity(size);
        let mut reader = (&mut self.reader).take(size as u64);
        let read = async {
            while bytes.len() < size && reader.read_buf(&mut bytes).await? > 0 {}
            Ok(())
        };
        read.await.map_err(|source| self.unreadable(source))?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&bytes);
        }
        self.read += bytes.len() as u64;
        Ok(bytes.into())
    }

    /// Fails unless exactly the expected bytes were read.
    pub(crate) async fn finish(mut self) -> Result<(), Error> {
        let expected = self.upload.content();
        // A byte more changes the size that was read.
        self.next(1).await?;
        let found = if let Some(hasher) = self.hasher {
            let (sha256, size) = hasher.finish();
            Content { size, sha256 }
        } else {
            drop(self.upload.artifact().open().await?);
            Content { size: self.read, ..expected }
        };
        self.upload.check(found)
    }

    fn unreadable(&self, source: std::io::Error) -> Error {
        Error::io("read", self.upload.artifact().file_name().as_str(), source)
    }
}
