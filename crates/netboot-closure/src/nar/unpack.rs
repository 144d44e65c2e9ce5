//! Putting the tree of an archive into place.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::error::Error;
use crate::nar::reader::{NarEvent, NarLimits, NarReader};
use crate::nar::summary::NarSummary;

/// The permissions of store paths (`canonicalisePathMetaData` in Nix's
/// `src/libstore/posix-fs-canonicalise.cc`).
const READABLE: u32 = 0o444;
const EXECUTABLE: u32 = 0o555;

/// The time of store paths: one second after 1970 (`mtimeStore`, in that file too).
const STORE_TIME: Duration = Duration::from_secs(1);

/// The permissions of directories while they are being filled.
const FILLING: u32 = 0o700;

/// The size of the buffer for the contents of files.
const BUFFER: usize = 128 * 1024;

/// Unpacks an archive to `destination`, which must not exist. Files get the permissions and the
/// time that Nix gives them in the store.
///
/// The archive cannot make this function write anywhere else: names have one component, no name
/// occurs twice in a directory, and nothing that exists is opened or followed. If this fails, parts
/// of the tree stay at `destination`. Unpack to a temporary name, check the digest of the bytes
/// that the source gave, and rename the tree.
///
/// # Errors
/// [`Error::Nar`], [`Error::ReadNar`] if the source fails, [`Error::Io`] if the tree cannot be
/// written.
pub fn unpack(
    source: impl Read,
    destination: &Path,
    limits: NarLimits,
) -> Result<NarSummary, Error> {
    let mut reader = NarReader::new(source, limits);
    let mut buffer = vec![0; BUFFER];
    let mut parent = PathBuf::new();
    let place = |parent: &Path, name: Option<Vec<u8>>| match name {
        Some(name) => parent.join(OsString::from_vec(name)),
        None => destination.to_owned(),
    };
    while let Some(event) = reader.next_event()? {
        match event {
            NarEvent::Directory { name } => {
                parent = place(&parent, name);
                create_directory(&parent)?;
            }
            NarEvent::DirectoryEnd => {
                let file = File::open(&parent).map_err(|source| failed(&parent, source))?;
                finish(&file, &parent, EXECUTABLE)?;
                parent.pop();
            }
            NarEvent::Symlink { name, target } => {
                let path = place(&parent, name);
                std::os::unix::fs::symlink(OsString::from_vec(target), &path)
                    .map_err(|source| failed(&path, source))?;
            }
            NarEvent::File { name, executable, .. } => {
                let path = place(&parent, name);
                let options = OpenOptions::new().write(true).create_new(true).mode(0o600).clone();
                let mut file = options.open(&path).map_err(|source| failed(&path, source))?;
                loop {
                    match reader.read_contents(&mut buffer)? {
                        0 => break,
                        length => file
                            .write_all(&buffer[..length])
                            .map_err(|source| failed(&path, source))?,
                    }
                }
                finish(&file, &path, if executable { EXECUTABLE } else { READABLE })?;
            }
        }
    }
    Ok(reader.summary())
}

fn failed(path: &Path, source: std::io::Error) -> Error {
    Error::io("write", path, source)
}

fn create_directory(path: &Path) -> Result<(), Error> {
    fs::create_dir(path)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(FILLING)))
        .map_err(|source| failed(path, source))
}

/// Sets the time and the permissions of a file or directory whose contents are complete.
fn finish(file: &File, path: &Path, mode: u32) -> Result<(), Error> {
    file.set_modified(SystemTime::UNIX_EPOCH + STORE_TIME)
        .and_then(|()| file.set_permissions(Permissions::from_mode(mode)))
        .map_err(|source| failed(path, source))
}
