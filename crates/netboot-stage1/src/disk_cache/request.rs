//! The requests to the worker, on a connection for each request.

use std::io::{self, Read, Write};

use netboot_closure::Sha256;

/// The end of a blob that is complete and right.
pub(crate) const COMMIT: u8 = b'c';

/// The end of the cache's use.
pub(crate) const FINISH: u8 = b'f';

/// The bytes of a request: a letter, a digest, and two numbers.
const LENGTH: usize = 1 + 32 + 8 + 8;

/// A request. The worker answers with 1 for yes or 0 for no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// Read a blob of a size from `least` to `most`. After the yes come the size and the contents.
    Read {
        /// The blob.
        digest: Sha256,
        /// The least size in bytes.
        least: u64,
        /// The greatest size in bytes.
        most: u64,
    },
    /// Write a blob. After the yes the contents are sent.
    Write {
        /// The blob.
        digest: Sha256,
        /// Its size in bytes.
        size: u64,
    },
    /// Delete a damaged blob.
    Discard {
        /// The blob.
        digest: Sha256,
    },
    /// Keep these blobs in the first place. Digests of this length in bytes follow.
    Need {
        /// The length of the digests in bytes.
        length: u64,
    },
}

impl Request {
    /// Sends the request.
    pub(crate) fn send(&self, stream: &mut impl Write) -> io::Result<()> {
        let none = Sha256::from_bytes([0; 32]);
        let (letter, digest, first, second) = match *self {
            Self::Read { digest, least, most } => (b'r', digest, least, most),
            Self::Write { digest, size } => (b'w', digest, size, 0),
            Self::Discard { digest } => (b'd', digest, 0, 0),
            Self::Need { length } => (b'n', none, length, 0),
        };
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.push(letter);
        bytes.extend_from_slice(digest.as_bytes());
        bytes.extend_from_slice(&first.to_le_bytes());
        bytes.extend_from_slice(&second.to_le_bytes());
        stream.write_all(&bytes)
    }

    /// Receives a request.
    pub(crate) fn receive(stream: &mut impl Read) -> io::Result<Self> {
        let mut letter = [0];
        let (mut digest, mut first, mut second) = ([0; 32], [0; 8], [0; 8]);
        stream.read_exact(&mut letter)?;
        stream.read_exact(&mut digest)?;
        stream.read_exact(&mut first)?;
        stream.read_exact(&mut second)?;
        let digest = Sha256::from_bytes(digest);
        let (first, second) = (u64::from_le_bytes(first), u64::from_le_bytes(second));
        match letter {
            [b'r'] => Ok(Self::Read { digest, least: first, most: second }),
            [b'w'] => Ok(Self::Write { digest, size: first }),
            [b'd'] => Ok(Self::Discard { digest }),
            [b'n'] => Ok(Self::Need { length: first }),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// The worker's first byte: the end of its search for the file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opened {
    /// The cache is ready.
    Yes,
    /// There is no such file system, or it cannot be used.
    No,
}

impl Opened {
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Yes => b'y',
            Self::No => b'n',
        }
    }
}
