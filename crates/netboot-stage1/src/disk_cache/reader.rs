//! Reading a blob from the disk cache.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use crate::disk_cache::link::Link;

/// The contents of a blob. Nothing says that they are right: the reader hashes them.
pub(crate) struct CachedBlob {
    stream: UnixStream,
    rest: u64,
    link: Arc<Link>,
}

impl CachedBlob {
    pub(crate) fn new(stream: UnixStream, size: u64, link: Arc<Link>) -> Self {
        Self { stream, rest: size, link }
    }
}

impl Read for CachedBlob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = usize::try_from(self.rest).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.stream.read(&mut buffer[..length]);
        match &read {
            // The disk could not read on.
            Ok(0) if length > 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => self.rest = self.rest.saturating_sub(*length as u64),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => self.link.give_up(error),
        }
        read
    }
}
