//! Reads an initrd from its first byte to its last.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use crate::artifact_kind::ArtifactKind;
use crate::blocking::blocking;
use crate::context::Context;
use crate::error::Error;
use crate::inspect::cpio::{self, Visit};
use crate::inspect::damage::Damage;
use crate::inspect::summary::InitrdSummary;
use crate::regular_file::open_regular_file;

/// The maximum window of the kernel's zstd decompressor, in bytes.
const ZSTD_WINDOW_LIMIT: u64 = 1 << 27;

/// Reads the whole initrd at `path` like a kernel (`init/initramfs.c`): consecutive cpio archives,
/// each plain or compressed with gzip or zstd. It checks only the end of an xz stream. It
/// recognises lz4, bzip2, lzma and lzo, but does not read them.
///
/// It works on a separate thread in bounded memory, at about the speed of decompression.
///
/// # Errors
/// [`Error::DamagedInitrd`] if the file is truncated or not an initrd, [`Error::EmptyArtifact`],
/// [`Error::NotAFile`], [`Error::Io`], [`Error::Cancelled`].
pub async fn inspect_initrd(path: &Path, context: &Context) -> Result<InitrdSummary, Error> {
    let (context, _guard) = context.until_dropped();
    let path = path.to_owned();
    blocking(move || read_initrd(&path, &context, &mut |_, _| Ok(()))).await
}

/// Reads the initrd at `path`, and gives each of its files to `visit`.
pub(crate) fn read_initrd(
    path: &Path,
    context: &Context,
    visit: &mut Visit<'_>,
) -> Result<InitrdSummary, Error> {
    let failed = |source| Error::io("read", path, source);
    let file = open_regular_file(path)?;
    if file.metadata().map_err(failed)?.len() == 0 {
        return Err(Error::EmptyArtifact { kind: ArtifactKind::Initrd, path: path.to_owned() });
    }
    let mut reader = CountingReader { inner: BufReader::with_capacity(1 << 18, file), position: 0 };
    let mut summary = InitrdSummary::new();
    match read_segments(&mut reader, &mut summary, context, visit) {
        Ok(unchecked) => summary.unchecked = unchecked,
        Err(Damage::Cancelled) => return Err(Error::Cancelled),
        Err(Damage::Unreadable(source)) => return Err(failed(source)),
        Err(Damage::Problem(problem)) => {
            let (path, position) = (path.to_owned(), reader.position);
            return Err(Error::DamagedInitrd { path, position, problem });
        }
    }
    Ok(summary)
}

/// Reads the segments in order, and returns the compression at which it had to stop, if any.
fn read_segments(
    reader: &mut CountingReader,
    summary: &mut InitrdSummary,
    context: &Context,
    visit: &mut Visit<'_>,
) -> Result<Option<&'static str>, Damage> {
    loop {
        reader.skip_zeros(context)?;
        let magic = reader.peek(6)?;
        match magic.as_slice() {
            [] if summary.members == 0 => return Err(Damage::problem("it holds no files")),
            [] => return Ok(None),
            b"070701" | b"070702" if !reader.position.is_multiple_of(4) => {
                return Err(Damage::padding());
            }
            b"070701" | b"070702" => cpio::read_archive(reader, summary, context, visit)?,
            [0x1f, 0x8b, ..] => {
                let mut unpacked = flate2::bufread::GzDecoder::new(&mut *reader);
                cpio::read_archives(&mut unpacked, summary, context, visit)?;
            }
            [0x28, 0xb5, 0x2f, 0xfd, ..] => read_zstd_frame(reader, summary, context, visit)?,
            [0xfd, b'7', b'z', b'X', b'Z', 0] => {
                require_xz_end(reader)?;
                return Ok(Some("xz"));
            }
            [b'B', b'Z', b'h', ..] => return Ok(Some("bzip2")),
            [0x5d, 0, 0, ..] => return Ok(Some("lzma")),
            [0x02, 0x21, 0x4c, 0x18, ..] => return Ok(Some("lz4")),
            [0x89, b'L', b'Z', b'O', ..] => return Ok(Some("lzo")),
            _ => return Err(Damage::problem("neither a cpio archive nor a known compression")),
        }
    }
}

fn read_zstd_frame(
    reader: &mut CountingReader,
    summary: &mut InitrdSummary,
    context: &Context,
    visit: &mut Visit<'_>,
) -> Result<(), Damage> {
    let damaged = |error: &dyn std::fmt::Display| Damage::Problem(error.to_string());
    let mut unpacked = ruzstd::decoding::StreamingDecoder::new_with_max_window_size(
        &mut *reader,
        ZSTD_WINDOW_LIMIT,
    )
    .map_err(|error| damaged(&error))?;
    cpio::read_archives(&mut unpacked, summary, context, visit)?;
    let frame = unpacked.into_frame_decoder();
    match (frame.get_checksum_from_data(), frame.get_calculated_checksum()) {
        (Some(stated), Some(computed)) if stated != computed => {
            Err(Damage::problem("the checksum of a zstd frame is wrong"))
        }
        _ => Ok(()),
    }
}

/// Checks that an xz stream ends in `YZ`, which only zeros may follow
/// (The .xz File Format, sections 2.1.2 and 2.2).
fn require_xz_end(reader: &mut CountingReader) -> Result<(), Damage> {
    let file = reader.inner.get_mut();
    let length = file.seek(SeekFrom::End(0))?;
    let window = length.min(4096);
    file.seek(SeekFrom::Start(length - window))?;
    let mut end = Vec::new();
    file.take(window).read_to_end(&mut end)?;
    reader.position = length;
    let content = end.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    if end[..content].ends_with(b"YZ") {
        Ok(())
    } else {
        Err(Damage::problem("its xz stream does not end"))
    }
}

/// A file with the position up to which it was read.
struct CountingReader {
    inner: BufReader<File>,
    position: u64,
}

impl CountingReader {
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

    /// Returns up to `length` next bytes without consuming them.
    fn peek(&mut self, length: usize) -> io::Result<Vec<u8>> {
        // The buffer is refilled only when it is empty, so a magic at its very end needs a seek.
        let buffered = self.inner.fill_buf()?;
        if buffered.len() >= length || buffered.is_empty() {
            return Ok(buffered[..length.min(buffered.len())].to_vec());
        }
        self.inner.seek(SeekFrom::Start(self.position))?;
        let buffered = self.inner.fill_buf()?;
        Ok(buffered[..length.min(buffered.len())].to_vec())
    }
}

impl Read for CountingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl BufRead for CountingReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.inner.consume(amount);
        self.position += amount as u64;
    }
}
