//! Reading a file once, in pieces, with the digest of the whole.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use netboot_core::{Context, Sha256Digest, Sha256Hasher, open_regular_file};

use crate::error::Error;

/// The number of bytes that are read at once.
const CHUNK: usize = 256 * 1024;

/// A file that is read from its start to its end, and hashed on the way.
pub(super) struct Reading<'a> {
    path: &'a Path,
    file: File,
    whole: Sha256Hasher,
    context: &'a Context,
}

/// The bytes of a piece.
pub(super) struct Seen {
    pub(super) sha256: Sha256Digest,
    pub(super) is_zero: bool,
}

impl<'a> Reading<'a> {
    pub(super) fn open(path: &'a Path, context: &'a Context) -> Result<Self, Error> {
        Ok(Self { path, file: open_regular_file(path)?, whole: Sha256Hasher::new(), context })
    }

    /// Reads the next `size` bytes.
    pub(super) fn piece(&mut self, size: u64) -> Result<Seen, Error> {
        let mut hasher = Sha256Hasher::new();
        let (mut left, mut is_zero) = (size, true);
        let mut buffer = vec![0; CHUNK];
        while left > 0 {
            self.context.check()?;
            let wanted = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            let count = self.read(&mut buffer[..wanted]).map_err(|it| self.failed(it))?;
            if count == 0 {
                return Err(self.changed());
            }
            hasher.update(&buffer[..count]);
            is_zero &= buffer[..count].iter().all(|byte| *byte == 0);
            left -= count as u64;
        }
        Ok(Seen { sha256: hasher.finish().0, is_zero })
    }

    /// Reads the rest, and requires the whole file to have this digest.
    pub(super) fn finish(mut self, expected: Sha256Digest) -> Result<(), Error> {
        let mut buffer = vec![0; CHUNK];
        while self.read(&mut buffer).map_err(|it| self.failed(it))? > 0 {
            self.context.check()?;
        }
        let found = std::mem::replace(&mut self.whole, Sha256Hasher::new()).finish().0;
        if found == expected { Ok(()) } else { Err(self.changed()) }
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Io { action: "read", path: self.path.to_owned(), source }
    }

    fn changed(&self) -> Error {
        netboot_core::Error::ArtifactChanged { path: self.path.to_owned() }.into()
    }
}

impl Read for Reading<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.whole.update(&buffer[..count]);
        Ok(count)
    }
}
