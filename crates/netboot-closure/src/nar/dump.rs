//! Writing archives.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::nar::summary::NarSummary;
use crate::nar::wire::{MAGIC, WireWriter};

/// The size of the buffer for the contents of files.
const BUFFER: usize = 128 * 1024;

/// The permission that makes a file executable: the owner's (`dump` in Nix's
/// `src/libutil/archive.cc`).
const OWNER_EXECUTES: u32 = 0o100;

/// Writes the archive of the tree at `path`, byte for byte as `nix-store --dump` does. Symbolic
/// links are not followed.
///
/// # Errors
/// [`Error::Io`] if the tree cannot be read, [`Error::SpecialFile`], [`Error::FileChanged`],
/// [`Error::WriteNar`].
pub fn dump(path: &Path, destination: impl Write) -> Result<NarSummary, Error> {
    let mut dump = Dump {
        root: path,
        wire: WireWriter::new(destination),
        summary: NarSummary::default(),
        buffer: vec![0; BUFFER],
    };
    dump.write(|wire| wire.string(MAGIC))?;
    dump.tree()?;
    Ok(NarSummary { nar_size: dump.wire.written, ..dump.summary })
}

struct Dump<'a, W> {
    root: &'a Path,
    wire: WireWriter<W>,
    summary: NarSummary,
    buffer: Vec<u8>,
}

/// A directory that is being written: its path, and the names that are left, the last first.
struct OpenDirectory {
    path: PathBuf,
    names: Vec<Vec<u8>>,
}

impl<W: Write> Dump<'_, W> {
    fn write(
        &mut self,
        write: impl FnOnce(&mut WireWriter<W>) -> io::Result<()>,
    ) -> Result<(), Error> {
        let failed = |source| Error::WriteNar { path: self.root.to_owned(), source };
        write(&mut self.wire).map_err(failed)
    }

    /// Writes the tree without recursion, so that no depth exhausts the stack.
    fn tree(&mut self) -> Result<(), Error> {
        let mut open: Vec<OpenDirectory> = Vec::new();
        open.extend(self.node(self.root)?);
        while let Some(directory) = open.last_mut() {
            if let Some(name) = directory.names.pop() {
                let path = directory.path.join(OsString::from_vec(name.clone()));
                self.write(|wire| wire.strings(&[b"entry", b"(", b"name", &name, b"node"]))?;
                match self.node(&path)? {
                    Some(directory) => open.push(directory),
                    None => self.write(|wire| wire.string(b")"))?,
                }
                continue;
            }
            open.pop();
            self.write(|wire| wire.string(b")"))?;
            if !open.is_empty() {
                self.write(|wire| wire.string(b")"))?;
            }
        }
        Ok(())
    }

    /// Writes a node. Of a directory, writes only the start, and returns its names.
    fn node(&mut self, path: &Path) -> Result<Option<OpenDirectory>, Error> {
        let metadata =
            fs::symlink_metadata(path).map_err(|source| Error::io("read", path, source))?;
        let kind = metadata.file_type();
        self.write(|wire| wire.strings(&[b"(", b"type"]))?;
        if kind.is_dir() {
            self.summary.inodes += 1;
            self.write(|wire| wire.string(b"directory"))?;
            return Ok(Some(OpenDirectory { path: path.to_owned(), names: names(path)? }));
        }
        if kind.is_symlink() {
            let target = fs::read_link(path).map_err(|source| Error::io("read", path, source))?;
            let target = target.as_os_str().as_bytes();
            self.summary.inodes += 1;
            self.write(|wire| wire.strings(&[b"symlink", b"target", target]))?;
        } else if kind.is_file() {
            self.file(path, &metadata)?;
        } else {
            return Err(Error::SpecialFile { path: path.to_owned() });
        }
        self.write(|wire| wire.string(b")"))?;
        Ok(None)
    }

    fn file(&mut self, path: &Path, metadata: &Metadata) -> Result<(), Error> {
        let failed = |source| Error::io("read", path, source);
        let mut file = File::open(path).map_err(failed)?;
        let size = metadata.len();
        self.summary.count_file(size);
        self.write(|wire| wire.string(b"regular"))?;
        if metadata.permissions().mode() & OWNER_EXECUTES != 0 {
            self.write(|wire| wire.strings(&[b"executable", b""]))?;
        }
        self.write(|wire| {
            wire.string(b"contents")?;
            wire.length(size)
        })?;
        let changed = || Error::FileChanged { path: path.to_owned() };
        let mut left = size;
        loop {
            let length = file.read(&mut self.buffer).map_err(failed)?;
            left = left.checked_sub(length as u64).ok_or_else(changed)?;
            match length {
                0 if left == 0 => break,
                0 => return Err(changed()),
                _ => {}
            }
            let failed = |source| Error::WriteNar { path: self.root.to_owned(), source };
            self.wire.bytes(&self.buffer[..length]).map_err(failed)?;
        }
        self.write(|wire| wire.pad(size))
    }
}

/// Returns the names in a directory, the last first.
fn names(path: &Path) -> Result<Vec<Vec<u8>>, Error> {
    let failed = |source| Error::io("list", path, source);
    let entries = fs::read_dir(path).map_err(failed)?;
    let names: io::Result<Vec<Vec<u8>>> =
        entries.map(|entry| Ok(entry?.file_name().into_vec())).collect();
    let mut names = names.map_err(failed)?;
    names.sort_unstable_by(|a, b| b.cmp(a));
    Ok(names)
}
