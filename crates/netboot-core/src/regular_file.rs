//! Files that callers name.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

use crate::blocking::blocking;
use crate::error::Error;

/// Opens the regular file at `path`, following symbolic links.
///
/// It never waits for the writer of a named pipe, and opens no device: the type is checked before
/// the file is opened and again on the open file.
///
/// ```
/// let error = netboot_core::open_regular_file("/dev/null").unwrap_err();
/// assert_eq!(error.to_string(), "`/dev/null` is not a regular file");
/// ```
///
/// # Errors
/// [`Error::NotAFile`], [`Error::Io`].
pub fn open_regular_file(path: impl AsRef<Path>) -> Result<File, Error> {
    let path = path.as_ref();
    let failed = |source| Error::io("read", path, source);
    let regular = |is_file: bool| {
        if is_file { Ok(()) } else { Err(Error::NotAFile { path: path.to_owned() }) }
    };
    regular(std::fs::metadata(path).map_err(failed)?.is_file())?;
    let mut options = OpenOptions::new();
    // Something else may lie there by now.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    let file = options.read(true).custom_flags(flags.cast_signed()).open(path).map_err(failed)?;
    regular(file.metadata().map_err(failed)?.is_file())?;
    Ok(file)
}

/// Reads the regular file at `path`, of at most `limit` bytes. See [`open_regular_file`].
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("key");
/// # std::fs::write(&path, "four")?;
/// assert_eq!(netboot_core::read_regular_file(&path, 4)?, b"four");
/// assert!(netboot_core::read_regular_file(&path, 3).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::NotAFile`], [`Error::FileTooLarge`], [`Error::Io`].
pub fn read_regular_file(path: impl AsRef<Path>, limit: u64) -> Result<Vec<u8>, Error> {
    let path = path.as_ref();
    let mut bytes = Vec::new();
    let file = open_regular_file(path)?;
    let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
    if read.map_err(|source| Error::io("read", path, source))? as u64 > limit {
        return Err(Error::FileTooLarge { path: path.to_owned(), limit });
    }
    Ok(bytes)
}

/// Reads a regular file of UTF-8 text, of at most `limit` bytes. See [`open_regular_file`].
///
/// # Errors
/// The errors of [`read_regular_file`], and [`Error::Io`] if the file is not UTF-8.
pub fn read_regular_text(path: impl AsRef<Path>, limit: u64) -> Result<String, Error> {
    let path = path.as_ref();
    String::from_utf8(read_regular_file(path, limit)?).map_err(|error| {
        let source = std::io::Error::new(std::io::ErrorKind::InvalidData, error.utf8_error());
        Error::io("read", path, source)
    })
}

/// Does the work of [`read_regular_text`] on a thread that may block.
pub(crate) async fn read_text(path: &Path, limit: u64) -> Result<String, Error> {
    let path = path.to_owned();
    blocking(move || read_regular_text(path, limit)).await
}
