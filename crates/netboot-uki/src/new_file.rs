//! Files that appear when they are complete, and replace nothing.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use netboot_core::blocking;
use tempfile::NamedTempFile;

use crate::error::Error;

/// The permissions of a new file, before the caller's `umask` takes some away.
const PROGRAM_MODE: u32 = 0o666;
const SECRET_MODE: u32 = 0o600;

/// A file with a temporary name in the directory where it will be. [`keep`](Self::keep) gives it
/// its own. A process that is killed before leaves it there, even if it has a private key.
#[derive(Debug)]
pub(crate) struct NewFile {
    path: PathBuf,
    temporary: NamedTempFile,
}

impl NewFile {
    /// Creates the file in the directory of `path`, where nothing may be.
    pub(crate) async fn create(path: &Path) -> Result<Self, Error> {
        let path = path.to_owned();
        blocking(move || Self::create_with(&path, PROGRAM_MODE)).await
    }

    /// Checks that nothing is at `path`. This blocks its thread.
    pub(crate) fn check_absent(path: &Path) -> Result<(), Error> {
        if path.symlink_metadata().is_err() {
            return Ok(());
        }
        let source = io::ErrorKind::AlreadyExists.into();
        Err(Error::Io { action: "create", path: path.to_owned(), source })
    }

    fn create_with(path: &Path, mode: u32) -> Result<Self, Error> {
        let failed = |source| Error::Io { action: "create", path: path.to_owned(), source };
        Self::check_absent(path)?;
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".netboot-").permissions(Permissions::from_mode(mode));
        let temporary = builder.tempfile_in(directory).map_err(failed)?;
        Ok(Self { path: path.to_owned(), temporary })
    }

    /// Creates a file with these bytes. Only its owner can read a secret one. This blocks its
    /// thread.
    pub(crate) fn write(path: &Path, bytes: &[u8], is_secret: bool) -> Result<(), Error> {
        let mode = if is_secret { SECRET_MODE } else { PROGRAM_MODE };
        let mut file = Self::create_with(path, mode)?;
        let failed = |source| Error::Io { action: "write", path: path.to_owned(), source };
        io::Write::write_all(&mut file.temporary, bytes).map_err(failed)?;
        file.persist()
    }

    /// The file, for writing.
    pub(crate) fn open(&self) -> Result<tokio::fs::File, Error> {
        Ok(tokio::fs::File::from_std(self.file()?))
    }

    /// The file, for writing on a thread that may block.
    pub(crate) fn file(&self) -> Result<std::fs::File, Error> {
        let failed = |source| Error::Io { action: "create", path: self.path.clone(), source };
        self.temporary.as_file().try_clone().map_err(failed)
    }

    /// Gives the file its name.
    pub(crate) async fn keep(self) -> Result<(), Error> {
        blocking(move || self.persist()).await
    }

    /// Does the work of [`keep`](Self::keep). This blocks its thread.
    pub(crate) fn persist(self) -> Result<(), Error> {
        let Self { path, temporary } = self;
        // After a crash of the machine, the name must not stand for a part of the file.
        if let Err(source) = temporary.as_file().sync_all() {
            return Err(Error::Io { action: "write", path, source });
        }
        match temporary.persist_noclobber(&path) {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::Io { action: "create", path, source: error.error }),
        }
    }
}
