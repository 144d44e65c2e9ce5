//! The start of a file, from which a kernel's format and length are read.

use std::io::{self, Read};

/// The number of bytes that are read. The headers of all formats lie within it.
const START: u64 = 64 * 1024;

/// The first bytes of a file, and the length of the file.
pub(super) struct FileStart {
    bytes: Vec<u8>,
    length: u64,
}

/// The reason why a file is not taken as a kernel.
pub(super) enum Unfit {
    /// The file has another format.
    Unrecognised,
    /// A clause about a file of the right format.
    Problem(String),
    /// The file cannot be read.
    Unreadable(io::Error),
}

impl Unfit {
    pub(super) fn problem(text: impl Into<String>) -> Self {
        Self::Problem(text.into())
    }
}

impl FileStart {
    /// Reads the start of a file of `length` bytes.
    pub(super) fn read(file: impl Read, length: u64) -> io::Result<Self> {
        let mut bytes = Vec::new();
        file.take(START).read_to_end(&mut bytes)?;
        Ok(Self { bytes, length })
    }

    /// Gives the file another length.
    pub(super) fn with_length(self, length: u64) -> Self {
        Self { length, ..self }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn has(&self, offset: usize, magic: &[u8]) -> bool {
        self.bytes.get(offset..).is_some_and(|bytes| bytes.starts_with(magic))
    }

    pub(super) fn byte_at(&self, offset: usize) -> Option<u8> {
        self.bytes.get(offset).copied()
    }

    pub(super) fn u16_at(&self, offset: usize) -> Option<u16> {
        Some(u16::from_le_bytes(self.bytes.get(offset..offset + 2)?.try_into().ok()?))
    }

    pub(super) fn u32_at(&self, offset: usize) -> Option<u32> {
        Some(u32::from_le_bytes(self.bytes.get(offset..offset + 4)?.try_into().ok()?))
    }

    /// Checks that the file has at least `needed` bytes.
    pub(super) fn require(&self, needed: u64) -> Result<(), Unfit> {
        let size = self.length;
        if size < needed {
            return Err(Unfit::Problem(format!("it ends after {size} of {needed} bytes")));
        }
        Ok(())
    }
}
