//! Reading a file on a file system that may hang.

use std::fmt;
use std::fs::File;
use std::io::{self, SeekFrom};
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};

use crate::bulkhead::Bulkhead;
use crate::error::Error;

/// The maximum number of bytes that one read asks the file system for.
const CHUNK: usize = 1024 * 1024;

type Reading = Pin<Box<dyn Future<Output = Result<io::Result<Vec<u8>>, Error>> + Send + Sync>>;

/// An open file, read through a [`Bulkhead`]. A read fails with [`Error::NoAnswer`] in an
/// [`io::Error`] if the file system hangs.
pub struct GuardedFile {
    bulkhead: Bulkhead,
    file: Arc<File>,
    position: u64,
    reading: Option<Reading>,
}

impl GuardedFile {
    /// Reads `file` from its start.
    pub fn new(file: File, bulkhead: Bulkhead) -> Self {
        Self { bulkhead, file: Arc::new(file), position: 0, reading: None }
    }

    /// The metadata of the file.
    ///
    /// # Errors
    /// [`Error::NoAnswer`] in an [`io::Error`], or the file system's error.
    pub async fn metadata(&self) -> io::Result<std::fs::Metadata> {
        let file = self.file.clone();
        self.bulkhead.run(move || file.metadata()).await.map_err(io::Error::other)?
    }

    fn read(&self, size: usize) -> Reading {
        let (bulkhead, file, position) = (self.bulkhead.clone(), self.file.clone(), self.position);
        Box::pin(async move {
            let read = move || {
                let mut bytes = vec![0; size];
                let read = file.read_at(&mut bytes, position)?;
                bytes.truncate(read);
                Ok(bytes)
            };
            bulkhead.run(read).await
        })
    }
}

impl AsyncRead for GuardedFile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let size = buffer.remaining().min(CHUNK);
        let mut reading = match self.reading.take() {
            Some(reading) => reading,
            None => self.read(size),
        };
        let Poll::Ready(read) = reading.as_mut().poll(context) else {
            self.reading = Some(reading);
            return Poll::Pending;
        };
        let bytes = read.map_err(io::Error::other)??;
        // The caller may come back with a smaller buffer. The rest is then read again.
        let bytes = &bytes[..bytes.len().min(buffer.remaining())];
        buffer.put_slice(bytes);
        self.position += bytes.len() as u64;
        Poll::Ready(Ok(()))
    }
}

impl AsyncSeek for GuardedFile {
    fn start_seek(mut self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
            SeekFrom::End(_) => return Err(io::ErrorKind::Unsupported.into()),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        self.reading = None;
        Ok(())
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Ok(self.position))
    }
}

impl fmt::Debug for GuardedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedFile").field("file", &self.file).finish_non_exhaustive()
    }
}
