//! The archive of an export, which has the same bytes for the same files.

use std::fs::{File, Permissions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use netboot_core::{Context, Error, Report, blocking, open_regular_file};
use tar::{EntryType, Header};
use tempfile::{NamedTempFile, TempDir};

use super::record::is_missing;
use crate::exchange::exchange;

/// The comment in the header of the archive, by which the next export knows it again.
const COMMENT: &str = "netboot export kexec";

/// The greatest length of a gzip header with the comment, in bytes (RFC 1952, section 2.3).
const HEADER_LIMIT: u64 = 64;

/// The time of the files, in seconds since 1970, as in the Nix store. Some versions of `tar` warn
/// of the time 0.
const MODIFIED: u64 = 1;

/// A `.tar.gz` for the files of an export.
#[derive(Debug)]
pub(super) struct WholeArchive {
    place: PathBuf,
    parent: PathBuf,
}

/// A file of an archive, which lies in a directory.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) is_program: bool,
}

impl WholeArchive {
    /// The archive at `place`.
    pub(super) fn new(place: &Path) -> Self {
        let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty());
        Self { place: place.to_owned(), parent: parent.unwrap_or(Path::new(".")).to_owned() }
    }

    /// The path of the archive.
    pub(super) fn path(&self) -> &Path {
        &self.place
    }

    /// Fails if something is in the place that no export wrote.
    ///
    /// # Errors
    /// If there is such a file, or it cannot be read.
    pub(super) fn check(&self) -> Result<(), Report> {
        self.is_there().map(drop)
    }

    /// Returns true if an archive of an export is in the place.
    fn is_there(&self) -> Result<bool, Report> {
        self.look_at(&self.place)
    }

    /// Looks at the archive, which lies at `path` now.
    fn look_at(&self, path: &Path) -> Result<bool, Report> {
        match path.symlink_metadata() {
            Err(error) if is_missing(&error) => return Ok(false),
            Err(source) => return Err(Error::io("read", path, source).into()),
            Ok(found) if found.is_file() && is_own(path)? => return Ok(true),
            Ok(_) => {}
        }
        Err(Report::message(
            format!("`{}` would be lost, and no export wrote it", self.place.display()),
            "move it elsewhere, or choose another file with --tarball",
        ))
    }

    /// Begins a directory for the files of the archive. It is removed when it is dropped.
    ///
    /// # Errors
    /// If it cannot be created.
    pub(super) fn begin(&self) -> Result<TempDir, Report> {
        let failed = |source| Error::io("create a directory in", &self.parent, source);
        std::fs::create_dir_all(&self.parent).map_err(failed)?;
        let new = tempfile::Builder::new().prefix(".netboot-export-").tempdir_in(&self.parent);
        Ok(new.map_err(failed)?)
    }

    /// Packs files of a directory into the archive, below the directory `root`, and puts the
    /// archive in its place at once.
    ///
    /// # Errors
    /// If a file cannot be read or written. The errors of [`check`](Self::check).
    pub(super) async fn finish(
        &self,
        directory: TempDir,
        root: &'static str,
        members: Vec<Member>,
        context: &Context,
    ) -> Result<(), Report> {
        let (place, parent, context) = (self.place.clone(), self.parent.clone(), context.clone());
        let packed = blocking(move || {
            let packed = pack(&parent, directory.path(), root, &members, &context);
            context.check()?;
            packed.map_err(|source| Error::io("write", &place, source))
        });
        self.put(packed.await?)
    }

    /// Puts a packed archive in the place. An old one is looked at again once it is out of the
    /// place, and goes back if no export wrote it.
    fn put(&self, packed: NamedTempFile) -> Result<(), Report> {
        let failed = |source| Error::io("write", &self.place, source);
        if !self.is_there()? {
            packed.persist_noclobber(&self.place).map_err(|error| failed(error.error))?;
            return Ok(());
        }
        exchange(packed.path(), &self.place).map_err(failed)?;
        // The temporary file is now the old archive, and is removed when it is dropped.
        let looked = self.look_at(packed.path());
        if !matches!(looked, Ok(true))
            && let Err(error) = exchange(packed.path(), &self.place)
        {
            // Both files stay.
            let _ = packed.keep();
            return Err(failed(error).into());
        }
        looked.map(drop)
    }
}

fn pack(
    parent: &Path,
    directory: &Path,
    root: &str,
    members: &[Member],
    context: &Context,
) -> io::Result<NamedTempFile> {
    let new = tempfile::Builder::new()
        .prefix(".netboot-export-")
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(parent)?;
    // Most of it is compressed already.
    let gzip = GzBuilder::new().comment(COMMENT).write(new, Compression::fast());
    let mut archive = tar::Builder::new(gzip);
    let mut header = header(EntryType::Directory, 0o755, 0);
    archive.append_data(&mut header, format!("{root}/"), io::empty())?;
    for member in members {
        let file = File::open(directory.join(member.name))?;
        let mode = if member.is_program { 0o755 } else { 0o644 };
        let mut header = self::header(EntryType::Regular, mode, file.metadata()?.len());
        let reader = Cancellable { reader: file, context };
        archive.append_data(&mut header, format!("{root}/{}", member.name), reader)?;
    }
    let new = archive.into_inner()?.finish()?;
    new.as_file().sync_all()?;
    Ok(new)
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(MODIFIED);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// Returns true if the file has the header of an exported archive.
fn is_own(path: &Path) -> Result<bool, Report> {
    let file = BufReader::new(open_regular_file(path)?.take(HEADER_LIMIT));
    let gzip = flate2::bufread::GzDecoder::new(file);
    Ok(gzip.header().and_then(|header| header.comment()) == Some(COMMENT.as_bytes()))
}

/// Reads a file until the work is cancelled.
struct Cancellable<'a, R> {
    reader: R,
    context: &'a Context,
}

impl<R: Read> Read for Cancellable<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.context.check().map_err(io::Error::other)?;
        self.reader.read(buffer)
    }
}
