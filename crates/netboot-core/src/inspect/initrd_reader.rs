//! Readers that know their position.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use crate::context::Context;
use crate::inspect::damage::Damage;
use crate::inspect::watched_file::WatchedFile;

/// A reader with the number of bytes that were read.
pub(super) trait Positioned: BufRead {
    fn position(&self) -> u64;

    /// Skips the zeros that may be between archives.
    fn skip_zeros(&mut self, context: &Context) -> Result<(), Damage> {
        loop {
            if context.cancellation().is_cancelled() {
                return Err(Damage::Cancelled);
            }
            let buffered = self.fill_buf()?;
            match buffered.iter().position(|byte| *byte != 0).unwrap_or(buffered.len()) {
                0 => return Ok(()),
                zeros => self.consume(zeros),
            }
        }
    }
}

/// A reader that counts the bytes that were read.
pub(super) struct Counted<R> {
    inner: BufReader<R>,
    position: u64,
}

/// An initrd.
pub(super) type InitrdReader = Counted<WatchedFile>;

/// The bytes that a decompressor returns.
pub(super) type Unpacked<'a> = Counted<Box<dyn Read + 'a>>;

impl<R: Read> Counted<R> {
    fn with_capacity(capacity: usize, inner: R) -> Self {
        Self { inner: BufReader::with_capacity(capacity, inner), position: 0 }
    }
}

impl<R: Read> Positioned for Counted<R> {
    fn position(&self) -> u64 {
        self.position
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl<R: Read> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.inner.consume(amount);
        self.position += amount as u64;
    }
}

impl InitrdReader {
    pub(super) fn new(file: WatchedFile) -> Self {
        Self::with_capacity(1 << 18, file)
    }

    /// The file that is read.
    pub(super) fn file(&self) -> &File {
        self.inner.get_ref().file()
    }

    /// Returns up to `length` next bytes without consuming them. `length` is at most 256 KiB.
    pub(super) fn peek(&mut self, length: usize) -> io::Result<Vec<u8>> {
        // The buffer is refilled only when it is empty, so a magic at its very end needs a seek.
        let buffered = self.inner.fill_buf()?;
        if buffered.len() < length && !buffered.is_empty() {
            self.inner.seek(SeekFrom::Start(self.position))?;
        }
        let buffered = self.inner.fill_buf()?;
        Ok(buffered[..length.min(buffered.len())].to_vec())
    }

    /// Consumes bytes up to and with the next zero.
    pub(super) fn skip_text(&mut self) -> io::Result<()> {
        loop {
            let buffered = self.inner.fill_buf()?;
            if buffered.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let end = buffered.iter().position(|byte| *byte == 0);
            let length = end.map_or(buffered.len(), |end| end + 1);
            self.consume(length);
            if end.is_some() {
                return Ok(());
            }
        }
    }
}

impl<'a> Unpacked<'a> {
    pub(super) fn new(inner: Box<dyn Read + 'a>) -> Self {
        Self::with_capacity(1 << 16, inner)
    }
}
