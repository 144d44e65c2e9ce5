//! The strings that an archive consists of.

use std::io::{self, Read, Write};

use crate::error::Error;
use crate::nar::problem::NarProblem;

/// The first string of every archive.
pub(super) const MAGIC: &[u8] = b"nix-archive-1";

/// Strings are padded to a multiple of this many bytes.
const ALIGNMENT: usize = 8;

/// Returns the number of zeros after a string.
fn padding(length: u64) -> usize {
    // The lowest byte alone decides.
    let [lowest, ..] = length.wrapping_neg().to_le_bytes();
    usize::from(lowest) % ALIGNMENT
}

/// Writes strings, and counts bytes.
#[derive(Debug)]
pub(crate) struct WireWriter<W> {
    destination: W,
    pub(crate) written: u64,
}

impl<W: Write> WireWriter<W> {
    pub(crate) fn new(destination: W) -> Self {
        Self { destination, written: 0 }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.destination.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    pub(crate) fn length(&mut self, length: u64) -> io::Result<()> {
        self.bytes(&length.to_le_bytes())
    }

    pub(crate) fn pad(&mut self, length: u64) -> io::Result<()> {
        self.bytes(&[0; ALIGNMENT][..padding(length)])
    }

    pub(crate) fn string(&mut self, string: &[u8]) -> io::Result<()> {
        self.length(string.len() as u64)?;
        self.bytes(string)?;
        self.pad(string.len() as u64)
    }

    pub(crate) fn strings(&mut self, strings: &[&[u8]]) -> io::Result<()> {
        strings.iter().try_for_each(|string| self.string(string))
    }
}

/// Reads strings, counts bytes, and reads no byte beyond a limit.
#[derive(Debug)]
pub(crate) struct WireReader<R> {
    source: R,
    limit: u64,
    /// The number of bytes read.
    pub(crate) offset: u64,
}

impl<R: Read> WireReader<R> {
    pub(crate) fn new(source: R, limit: u64) -> Self {
        Self { source, limit, offset: 0 }
    }

    /// Makes an error about the bytes that come next.
    pub(crate) fn error(&self, problem: NarProblem) -> Error {
        Error::Nar { offset: self.offset, problem }
    }

    /// Reads some bytes. Returns 0 at the end of the source, or if `buffer` is empty.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        loop {
            match self.source.read(buffer) {
                Ok(length) => {
                    self.offset = self.offset.saturating_add(length as u64);
                    if self.offset > self.limit {
                        return Err(self.error(NarProblem::TooLarge { limit: self.limit }));
                    }
                    return Ok(length);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(Error::ReadNar { offset: self.offset, source }),
            }
        }
    }

    pub(crate) fn exactly(&mut self, mut buffer: &mut [u8]) -> Result<(), Error> {
        while !buffer.is_empty() {
            match self.read(buffer)? {
                0 => return Err(self.error(NarProblem::Truncated)),
                length => buffer = &mut buffer[length..],
            }
        }
        Ok(())
    }

    pub(crate) fn length(&mut self) -> Result<u64, Error> {
        let mut length = [0; 8];
        self.exactly(&mut length)?;
        Ok(u64::from_le_bytes(length))
    }

    /// Reads the zeros after a string.
    pub(crate) fn pad(&mut self, length: u64) -> Result<(), Error> {
        let mut zeros = [0; ALIGNMENT];
        let zeros = &mut zeros[..padding(length)];
        self.exactly(zeros)?;
        if zeros.iter().any(|byte| *byte != 0) {
            return Err(self.error(NarProblem::Padding));
        }
        Ok(())
    }

    /// Reads a string of at most `limit` bytes. No more than that is allocated.
    pub(crate) fn string(&mut self, limit: u64) -> Result<Vec<u8>, Error> {
        let length = self.length()?;
        let size = usize::try_from(length).ok().filter(|_| length <= limit);
        let size = size.ok_or_else(|| self.error(NarProblem::TooLong { length, limit }))?;
        let mut string = vec![0; size];
        self.exactly(&mut string)?;
        self.pad(length)?;
        Ok(string)
    }

    /// Reads the strings that must come next.
    pub(crate) fn expect(
        &mut self,
        strings: &[&[u8]],
        expected: &'static str,
    ) -> Result<(), Error> {
        for string in strings {
            if self.string(KEYWORD_LIMIT)? != *string {
                return Err(self.error(NarProblem::Unexpected { expected }));
            }
        }
        Ok(())
    }
}

/// The greatest length of a keyword. The longest is `nix-archive-1`.
pub(crate) const KEYWORD_LIMIT: u64 = 16;
