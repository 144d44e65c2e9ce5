//! Reads an initrd from its first byte to its last.

use std::io::BufRead;
use std::path::Path;

use crate::artifact_kind::ArtifactKind;
use crate::blocking::blocking;
use crate::context::Context;
use crate::error::Error;
use crate::event::Phase;
use crate::inspect::compression::Compression;
use crate::inspect::cpio::{Archives, Visit};
use crate::inspect::damage::Damage;
use crate::inspect::decompressor;
use crate::inspect::initrd_format::InitrdFormat;
use crate::inspect::initrd_reader::{InitrdReader, Positioned, Unpacked};
use crate::inspect::summary::InitrdSummary;
use crate::inspect::watched_file::WatchedFile;
use crate::inspect::xz;
use crate::regular_file::open_regular_file;

/// The number of bytes from which the form of a part is told: a block of tar.
const MAGIC: usize = 512;

/// Reads the whole initrd at `path` like a kernel (`init/initramfs.c` of Linux): consecutive cpio
/// archives, each plain or compressed with gzip, bzip2, lzma, xz, lzo, lz4 or zstd. Beyond what the
/// kernel checks, it compares the checksums of gzip and lzop.
///
/// The kernels of NixOS and Debian unpack all of these. A kernel that was built without one of them
/// (`CONFIG_RD_ZSTD` and the like) refuses it, which no inspection of the initrd can see. Some
/// kernels know fewer filters of xz than others, so [`InitrdSummary::xz_filters`] names them, and
/// [`check_xz_filters`](crate::inspect::check_xz_filters) compares them with a kernel.
///
/// It works on a separate thread in bounded memory, at about the speed of decompression. A file in
/// gzip, zstd, lz4 or lzop takes up to three times as long as its digest, and one in xz or bzip2
/// many times as long (`benches/inspecting.rs`).
///
/// # Errors
/// [`Error::DamagedInitrd`] if the file is truncated or altered, [`Error::UnbootableInitrd`] if no
/// kernel unpacks a file of this form, [`Error::EmptyArtifact`], [`Error::NotAFile`],
/// [`Error::Io`], [`Error::Cancelled`].
pub async fn inspect_initrd(path: &Path, context: &Context) -> Result<InitrdSummary, Error> {
    let _phase = context.phase(Phase::Hashing, None);
    let (context, _guard) = context.until_dropped();
    let path = path.to_owned();
    blocking(move || read_initrd(&path, (Phase::Hashing, &context), &mut |_, _| Ok(()))).await
}

/// Reads the initrd at `path` in a phase, and gives each of its files to `visit`.
pub(crate) fn read_initrd(
    path: &Path,
    (phase, context): (Phase, &Context),
    visit: &mut Visit<'_>,
) -> Result<InitrdSummary, Error> {
    let failed = |source| Error::io("read", path, source);
    let file = open_regular_file(path)?;
    let size = file.metadata().map_err(failed)?.len();
    if size == 0 {
        return Err(Error::EmptyArtifact { kind: ArtifactKind::Initrd, path: path.to_owned() });
    }
    let mut reader = InitrdReader::new(WatchedFile::new(file, path, size, (phase, context)));
    let mut archives = Archives::new(context, visit);
    let result = read_parts(&mut reader, &mut archives, context);
    let (path, position) = (path.to_owned(), reader.position());
    let problem = match result {
        Ok(()) => return Ok(archives.summary),
        Err(Damage::Cancelled) => return Err(Error::Cancelled),
        Err(Damage::Unreadable(source)) => return Err(failed(source)),
        Err(Damage::Format(format)) => {
            return Err(Error::UnbootableInitrd { path, position, format });
        }
        Err(Damage::Cut) => "it ends in the middle".to_owned(),
        Err(Damage::Problem(problem)) => problem,
    };
    Err(Error::DamagedInitrd { path, position, problem })
}

/// Reads the parts in order.
fn read_parts(
    reader: &mut InitrdReader,
    archives: &mut Archives<'_, '_>,
    context: &Context,
) -> Result<(), Damage> {
    loop {
        reader.skip_zeros(context)?;
        let magic = reader.peek(MAGIC)?;
        let compression = match magic.first() {
            None if archives.summary.members == 0 => {
                return Err(Damage::problem("it holds no files"));
            }
            None => return Ok(()),
            Some(b'0') if magic.starts_with(b"07070") => {
                archives.read_plain(reader)?;
                continue;
            }
            Some(_) => Compression::of(&magic),
        };
        let Some(compression) = compression else {
            let problem = || Damage::problem("neither a cpio archive nor a known compression");
            return Err(InitrdFormat::foreign(&magic).map_or_else(problem, Damage::Format));
        };
        let begin = reader.position();
        let mut unpacked = Unpacked::new(decompressor::open(compression, reader)?);
        let result = archives.read_unpacked(&mut unpacked);
        drop(unpacked);
        if matches!(result, Err(Damage::Cut)) && !reader.fill_buf()?.is_empty() {
            // The decompressor came to an end, in the middle of a member.
            reader.skip_zeros(context)?;
            let next = Compression::of(&reader.peek(16)?);
            return Err(if next == Some(compression) {
                InitrdFormat::SplitArchive.into()
            } else {
                Damage::problem("an archive ends in the middle of a member")
            });
        }
        // A cut lz4 part looks complete: it may end anywhere between its chunks.
        let is_last = reader.peek(4)?.len() < 4;
        match result {
            Err(Damage::Format(InitrdFormat::EmptyPart)) if is_last => return Err(Damage::Cut),
            result => result?,
        }
        if compression == Compression::Xz {
            let filters = xz::filters(reader.file(), begin, reader.position())?;
            archives.summary.xz_filters.extend(filters);
        }
    }
}
