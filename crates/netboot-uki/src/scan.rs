//! Reading an EFI program from its first byte to its last one, once.

use std::io::{self, Read, Seek, SeekFrom};

use netboot_core::Sha256Digest;

use crate::authenticode::table::TABLE_LIMIT;
use crate::pe::headers::{HEADERS_LIMIT, Headers};
use crate::pe::problem::PeProblem;
use crate::pe::sums::{Sums, WordSum};

/// The number of bytes that are read at once.
const CHUNK: usize = 256 * 1024;

/// The reason why a program cannot be read.
#[derive(Debug)]
pub(crate) enum ScanFailure {
    Program(PeProblem),
    Io(io::Error),
}

impl From<PeProblem> for ScanFailure {
    fn from(problem: PeProblem) -> Self {
        Self::Program(problem)
    }
}

impl From<io::Error> for ScanFailure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Program(PeProblem::Changed),
            _ => Self::Io(error),
        }
    }
}

/// The headers, the sums and the signatures of a program.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(crate) headers: Headers,
    /// The bytes of the headers.
    pub(crate) header_bytes: Vec<u8>,
    pub(crate) length: u64,
    pub(crate) digest: Sha256Digest,
    /// The sum of all bytes before the signatures.
    pub(crate) words: WordSum,
    /// The table of signatures; empty without one.
    pub(crate) signatures: Vec<u8>,
}

impl Scan {
    /// Reads a program of `length` bytes. `padding` zeros are added behind its content, before the
    /// signatures.
    pub(crate) fn read(
        mut reader: impl Read + Seek,
        length: u64,
        padding: impl FnOnce(&Headers) -> u64,
    ) -> Result<Self, ScanFailure> {
        let headers =
            Headers::parse(&read_at(&mut reader, 0, length.min(HEADERS_LIMIT.into()))?, length)?;
        let header_bytes = read_at(&mut reader, 0, headers.size.into())?;
        let mut sums = Sums::of_headers(&headers, &header_bytes);
        let mut content = reader.by_ref().take(headers.signatures.start - sums.length());
        let mut buffer = vec![0; CHUNK];
        loop {
            let count = content.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            sums.update(&buffer[..count]);
        }
        if sums.length() != headers.signatures.start {
            return Err(PeProblem::Changed.into());
        }
        sums.update(&vec![0; usize::try_from(padding(&headers)).unwrap_or_default()]);
        let table = headers.signatures.end - headers.signatures.start;
        if table > TABLE_LIMIT {
            return Err(PeProblem::SignatureTable.into());
        }
        let signatures = read_at(&mut reader, headers.signatures.start, table)?;
        let (digest, words) = sums.finish();
        Ok(Self { headers, header_bytes, length, digest, words, signatures })
    }

    /// The checksum that the headers should state.
    pub(crate) fn checksum(&self) -> u32 {
        let mut words = self.words.clone();
        let entry = self.headers.signatures_position();
        words.replace(&self.header_bytes[entry..entry + 8]);
        words.update(&self.signatures);
        words.checksum()
    }
}

/// Reads `count` bytes from `position`. The caller bounds the count.
pub(crate) fn read_at(
    mut reader: impl Read + Seek,
    position: u64,
    count: u64,
) -> Result<Vec<u8>, ScanFailure> {
    reader.seek(SeekFrom::Start(position))?;
    let mut bytes = vec![0; usize::try_from(count).map_err(|_| PeProblem::TooLarge)?];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}
