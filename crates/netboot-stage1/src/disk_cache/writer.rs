//! Writing a blob into the disk cache.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use crate::blob_cache::BlobWriter;
use crate::disk_cache::link::Link;
use crate::disk_cache::request::COMMIT;

/// Writes one blob. The worker forgets it if the connection ends before [`COMMIT`].
pub(crate) struct CacheWriter {
    stream: UnixStream,
    rest: u64,
    link: Arc<Link>,
}

impl CacheWriter {
    pub(crate) fn new(stream: UnixStream, size: u64, link: Arc<Link>) -> Self {
        Self { stream, rest: size, link }
    }

    /// Passes an error on. If the worker closed this connection, only this blob is lost.
    fn look<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|error| {
            let is_closed =
                matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset);
            if !is_closed && error.kind() != io::ErrorKind::Interrupted {
                self.link.give_up(error);
            }
        })
    }
}

impl Write for CacheWriter {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if buffer.len() as u64 > self.rest {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the blob is too long"));
        }
        let written = self.stream.write(buffer);
        let written = self.look(written)?;
        self.rest = self.rest.saturating_sub(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl BlobWriter for CacheWriter {
    fn commit(mut self: Box<Self>) -> io::Result<()> {
        if self.rest > 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the blob is too short"));
        }
        let sent = self.stream.write_all(&[COMMIT]);
        self.look(sent)
    }
}
