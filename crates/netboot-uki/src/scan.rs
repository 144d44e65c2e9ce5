//! Reading an EFI program from its first byte to its last one, once.

use std::io::{self, Cursor, Read};
use std::ops::Range;

use netboot_core::{Context, Sha256Digest};

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
    Core(netboot_core::Error),
}

impl From<PeProblem> for ScanFailure {
    fn from(problem: PeProblem) -> Self {
        Self::Program(problem)
    }
}

impl From<netboot_core::Error> for ScanFailure {
    fn from(error: netboot_core::Error) -> Self {
        Self::Core(error)
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
    /// The digest without the zeros that are added behind the content.
    pub(crate) unpadded_digest: Sha256Digest,
    /// The sum of all bytes before the signatures.
    pub(crate) words: WordSum,
    /// The table of signatures; empty without one.
    pub(crate) signatures: Vec<u8>,
    /// The bytes of the ranges that the caller wanted.
    pub(crate) wanted: Vec<Vec<u8>>,
}

impl Scan {
    /// Reads a program of `length` bytes. Zeros are added behind its content, so that signatures
    /// can begin at a multiple of 8 bytes.
    ///
    /// Each byte is read once, so that a file that changes meanwhile gets the digest of what was
    /// read. `wanted` tells the ranges whose bytes the caller wants, and bounds them. `passing`
    /// gets the bytes behind the headers in pieces, each with its position.
    pub(crate) fn read(
        mut reader: impl Read,
        length: u64,
        context: &Context,
        wanted: impl FnOnce(&Headers) -> Result<Vec<Range<u64>>, PeProblem>,
        mut passing: impl FnMut(&Headers, u64, &[u8]),
    ) -> Result<Self, ScanFailure> {
        let mut start = read(&mut reader, length.min(HEADERS_LIMIT.into()))?;
        let headers = Headers::parse(&start, length)?;
        let header_size = headers.size as usize;
        let ranges = wanted(&headers)?;
        let mut wanted = vec![Vec::new(); ranges.len()];
        let mut sums = Sums::of_headers(&headers, &start[..header_size]);
        let end = headers.signatures.start;
        let rest = start.split_off(header_size);
        let mut body = Cursor::new(rest).chain(&mut reader).take(end - sums.length());
        let mut buffer = vec![0; CHUNK];
        loop {
            context.check()?;
            let count = body.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            for (range, bytes) in ranges.iter().zip(&mut wanted) {
                bytes.extend_from_slice(overlap(range, sums.length(), &buffer[..count]));
            }
            passing(&headers, sums.length(), &buffer[..count]);
            sums.update(&buffer[..count]);
        }
        if sums.length() != end {
            return Err(PeProblem::Changed.into());
        }
        let unpadded_digest = sums.clone().finish().0;
        sums.update(&vec![0; usize::try_from(headers.padding()).unwrap_or_default()]);
        let table = headers.signatures.end - headers.signatures.start;
        if table > TABLE_LIMIT {
            return Err(PeProblem::SignatureTable.into());
        }
        let (rest, _) = body.into_inner().into_inner();
        let signatures = read(rest.chain(reader), table)?;
        let (digest, words) = sums.finish();
        Ok(Self {
            headers,
            header_bytes: start,
            length,
            digest,
            unpadded_digest,
            words,
            signatures,
            wanted,
        })
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

/// Reads `count` bytes. The caller bounds the count.
fn read(mut reader: impl Read, count: u64) -> Result<Vec<u8>, ScanFailure> {
    let mut bytes = vec![0; usize::try_from(count).map_err(|_| PeProblem::TooLarge)?];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The part of `bytes`, which stand at `position`, that lies in a range.
pub(crate) fn overlap<'a>(range: &Range<u64>, position: u64, bytes: &'a [u8]) -> &'a [u8] {
    let length = bytes.len() as u64;
    let inside = |at: u64| usize::try_from(at.saturating_sub(position).min(length)).unwrap_or(0);
    &bytes[inside(range.start)..inside(range.end).max(inside(range.start))]
}
