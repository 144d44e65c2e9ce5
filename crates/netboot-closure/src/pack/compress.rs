//! Packing one store path.

use std::io::{self, Write};

use sha2::{Digest, Sha256 as Hasher};
use zstd::Encoder;

use crate::error::Error;
use crate::nar::dump;
use crate::pack::cache::{Cache, Packed};
use crate::pack::level::CompressionLevel;
use crate::pack::path_to_pack::PathToPack;
use crate::pack::progress::Watch;
use crate::sha256::Sha256;

/// The number of bytes between two reports of progress.
const REPORT_EVERY: u64 = 4 << 20;

/// Packs a store path into the cache.
pub(crate) fn compress(
    cache: &Cache,
    level: CompressionLevel,
    path: &PathToPack,
    watch: &Watch<'_>,
) -> Result<Packed, Error> {
    watch.advance(0)?;
    let mut file = cache.temporary_file()?;
    let failed = |source| Error::WriteNar { path: path.location.clone(), source };
    let mut encoder =
        Encoder::new(Hashing::new(file.as_file_mut(), None), level.get().into()).map_err(failed)?;
    encoder
        .include_checksum(true)
        .and_then(|()| encoder.include_contentsize(true))
        .and_then(|()| encoder.set_pledged_src_size(Some(path.nar_size)))
        .map_err(failed)?;
    let mut archive = Hashing::new(encoder, Some(watch));
    let dumped = dump(&path.location, &mut archive);
    // A cancelled archive ends as an error of writing.
    watch.advance(archive.unreported)?;
    let (encoder, nar_hash, nar_size) = archive.finish();
    if dumped.is_ok() && nar_size != path.nar_size {
        return Err(changed(path));
    }
    let summary = match dumped {
        // Zstd refuses more bytes than it was told to expect.
        Err(Error::WriteNar { .. }) if nar_size > path.nar_size => return Err(changed(path)),
        dumped => dumped?,
    };
    if nar_hash != path.nar_hash {
        return Err(changed(path));
    }
    let (_, blob, blob_size) = encoder.finish().map_err(failed)?.finish();
    let (unpacked_bytes, inodes) = (summary.unpacked_bytes, summary.inodes);
    cache.add(file, &path.path, &path.nar_hash, (blob, blob_size), (unpacked_bytes, inodes))
}

fn changed(path: &PathToPack) -> Error {
    Error::ArchiveChanged { path: path.path.clone() }
}

/// Hashes what is written, counts it, and reports progress.
struct Hashing<'a, W> {
    destination: W,
    hasher: Hasher,
    written: u64,
    unreported: u64,
    watch: Option<&'a Watch<'a>>,
}

impl<'a, W> Hashing<'a, W> {
    fn new(destination: W, watch: Option<&'a Watch<'a>>) -> Self {
        Self { destination, hasher: Hasher::new(), written: 0, unreported: 0, watch }
    }

    fn finish(self) -> (W, Sha256, u64) {
        (self.destination, Sha256::from_bytes(self.hasher.finalize().into()), self.written)
    }
}

impl<W: Write> Write for Hashing<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.destination.write(bytes)?;
        self.hasher.update(&bytes[..length]);
        self.written += length as u64;
        self.unreported += length as u64;
        if let Some(watch) = self.watch.filter(|_| self.unreported >= REPORT_EVERY) {
            watch.advance(std::mem::take(&mut self.unreported)).map_err(io::Error::other)?;
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.destination.flush()
    }
}
