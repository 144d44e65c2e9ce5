//! The way of a blob's bytes: SHA-256, zstd, the digest of the archive, and the files.

use std::io::{self, BufRead, Read};
use std::path::Path;

use netboot_closure::nar::{self, NarLimits, NarSummary};
use netboot_closure::{Error as ClosureError, IndexEntry, Sha256};
use sha2::Digest;
use zstd::stream::read::Decoder;

/// The greatest window of zstd, as a power of two. Level 19 needs 8 MiB.
const WINDOW_LOG: u32 = 23;

/// The greatest depth of directories in a store path.
const DEPTH: usize = 1000;

/// The result of unpacking a blob.
#[derive(Debug)]
pub(crate) enum Unpacked {
    /// All is as the index says.
    Right,
    /// The source of the blob failed.
    Interrupted,
    /// The blob has another digest.
    WrongDigest,
    /// The blob has the right digest, but its content is not what the index says.
    Refused(String),
    /// A file cannot be written.
    NotWritten(ClosureError),
}

/// Reads a blob to its end, and unpacks it to `destination`, which must not exist. If the result is
/// not [`Unpacked::Right`], parts of the files may be there.
pub(crate) fn unpack(
    source: &mut impl Read,
    entry: &IndexEntry,
    destination: &Path,
    unpacked: impl FnMut(u64),
) -> Unpacked {
    let mut blob = Hashing::new(source, |_| {});
    let result = unpack_archive(&mut blob, entry, destination, unpacked);
    // Damage shows first as an error of zstd. Read on, and let the digest decide.
    let Ok(rest) = io::copy(&mut blob, &mut io::sink()) else { return Unpacked::Interrupted };
    match result {
        // The disk of this machine is full or fails. Another blob would not change it.
        Err(error @ ClosureError::Io { .. }) => Unpacked::NotWritten(error),
        _ if blob.digest() != entry.blob => Unpacked::WrongDigest,
        Err(error) => Unpacked::Refused(with_source(&error)),
        Ok(_) if rest > 0 => Unpacked::Refused("it has more than one frame".to_owned()),
        Ok((summary, digest)) if digest == entry.nar_hash && summary == sizes(entry) => {
            Unpacked::Right
        }
        Ok(_) => Unpacked::Refused("it is another archive than the index says".to_owned()),
    }
}

fn sizes(entry: &IndexEntry) -> NarSummary {
    let IndexEntry { nar_size, unpacked_bytes, inodes, .. } = *entry;
    NarSummary { nar_size, unpacked_bytes, inodes }
}

/// Unpacks the archive in a blob. Returns its sizes and its digest.
fn unpack_archive(
    blob: impl Read,
    entry: &IndexEntry,
    destination: &Path,
    unpacked: impl FnMut(u64),
) -> Result<(NarSummary, Sha256), ClosureError> {
    let failed = |source| ClosureError::ReadNar { offset: 0, source };
    let mut decoder = Decoder::new(blob).map_err(failed)?.single_frame();
    decoder.window_log_max(WINDOW_LOG).map_err(failed)?;
    let limits = NarLimits { nar_size: entry.nar_size, inodes: entry.inodes, depth: DEPTH };
    let mut archive = Hashing::new(&mut decoder, unpacked);
    let summary = nar::unpack(&mut archive, destination, limits)?;
    let digest = archive.digest();
    // The decoder reads ahead. Bytes after the frame may be in its buffer.
    if !decoder.finish().fill_buf().map_err(failed)?.is_empty() {
        return Err(failed(io::Error::other("there are bytes after the frame")));
    }
    Ok((summary, digest))
}

/// Decompresses text of at most `limit` bytes.
///
/// # Errors
/// The reason, in words.
pub(crate) fn decode_text(compressed: &[u8], limit: u64) -> Result<String, String> {
    let decode = || {
        let mut decoder = Decoder::with_buffer(compressed)?.single_frame();
        decoder.window_log_max(WINDOW_LOG)?;
        let mut text = Vec::new();
        decoder.by_ref().take(limit + 1).read_to_end(&mut text)?;
        Ok((text, decoder.finish().is_empty()))
    };
    let (text, is_whole) = decode().map_err(|error: io::Error| error.to_string())?;
    if text.len() as u64 > limit {
        return Err(format!("it unpacks to more than {limit} bytes"));
    }
    if !is_whole {
        return Err("there are bytes after the frame".to_owned());
    }
    String::from_utf8(text).map_err(|error| error.to_string())
}

/// An error, and its source.
pub(crate) fn with_source(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", with_source(source)),
        None => error.to_string(),
    }
}

/// Computes the digest of a file's archive.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn archive_digest(path: &Path) -> Result<Sha256, ClosureError> {
    let mut hasher = sha2::Sha256::new();
    nar::dump(path, &mut HashWriter(&mut hasher))?;
    Ok(Sha256::from_bytes(hasher.finalize().into()))
}

/// The digest of bytes.
pub(crate) fn digest(bytes: &[u8]) -> Sha256 {
    Sha256::from_bytes(sha2::Sha256::digest(bytes).into())
}

struct HashWriter<'a>(&'a mut sha2::Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Hashes what is read, and tells how much it is.
struct Hashing<R, F> {
    source: R,
    hasher: sha2::Sha256,
    read: F,
}

impl<R: Read, F: FnMut(u64)> Hashing<R, F> {
    fn new(source: R, read: F) -> Self {
        Self { source, hasher: sha2::Sha256::new(), read }
    }

    fn digest(self) -> Sha256 {
        Sha256::from_bytes(self.hasher.finalize().into())
    }
}

impl<R: Read, F: FnMut(u64)> Read for Hashing<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        self.hasher.update(&buffer[..length]);
        (self.read)(length as u64);
        Ok(length)
    }
}
