//! The directory of the store, and the directories in it.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use netboot_core::beneath::Directory;
use netboot_core::{Bulkhead, ReleasePath};

use crate::error::Error;
use crate::error::constructors::{READ_FROM, WRITE_TO};

/// The directory for the store's own files. No [`ReleasePath`] starts with a dot.
pub(super) const OWN_DIRECTORY: &str = ".netboot";

const TEMPORARY: &str = "temporary";

/// The number of reads of the directory that may be in progress at once, or may hang.
const READ_THREADS: usize = 16;

/// The default time that a read of the directory may take.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Clone)]
pub(super) struct Root {
    path: PathBuf,
    reads: Bulkhead,
}

impl Root {
    pub(super) fn new(path: PathBuf) -> Self {
        let reads = Bulkhead::new(&path, READ_THREADS, READ_TIMEOUT);
        Self { path, reads }
    }

    pub(super) fn with_read_timeout(self, limit: Duration) -> Self {
        Self { reads: self.reads.with_limit(limit), ..self }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn reads(&self) -> &Bulkhead {
        &self.reads
    }

    /// Runs short `work`, such as a read, that fails if the file system hangs.
    pub(super) async fn limited<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let root = self.clone();
        let work = move || work(&root).map_err(|error| root.of_owner(error));
        self.reads.run(work).await.map_err(Error::at_target)?
    }

    /// Runs `work` of any length on a thread that may block.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let root = self.clone();
        netboot_core::blocking(move || work(&root).map_err(|error| root.of_owner(error))).await
    }

    /// Names the whole directory in an error about something in it, if it belongs to another user.
    /// A user who is admitted to one part of it only would be refused at the next.
    fn of_owner(&self, error: Error) -> Error {
        match error {
            Error::PermissionDenied { action, source, .. } if self.is_of_another() => {
                let reads = ["open", "look at", "read", "list", READ_FROM];
                let action = if reads.contains(&action) { READ_FROM } else { WRITE_TO };
                Error::PermissionDenied { action, path: self.path.clone(), source }
            }
            error => error,
        }
    }

    /// True if the directory belongs to another user, who lets this one reach it.
    fn is_of_another(&self) -> bool {
        let user = rustix::process::geteuid().as_raw();
        let owner = || Directory::open(&self.path)?.owner();
        owner().is_ok_and(|owner| owner != user)
    }

    /// Opens the directory. Returns `None` if it is missing and can be created.
    pub(super) fn open(&self) -> Result<Option<Directory>, Error> {
        match Directory::open(&self.path) {
            Ok(directory) => Ok(Some(directory)),
            Err(error) if is_missing(&error) => match Directory::open(self.parent()) {
                Ok(_) => Ok(None),
                Err(_) => Err(Error::NoSuchDirectory { path: self.parent().to_owned() }),
            },
            Err(error) => Err(Error::at_target(error)),
        }
    }

    /// Opens the directory, and creates it and the store's own directory if they are missing.
    pub(super) fn create(&self) -> Result<Directory, Error> {
        self.try_create().map_err(|error| match error {
            // Whoever is refused at the first step has read only, and wants to write.
            Error::PermissionDenied { path, source, .. } if self.is_of_another() => {
                Error::PermissionDenied { action: WRITE_TO, path, source }
            }
            error => error,
        })
    }

    fn try_create(&self) -> Result<Directory, Error> {
        let root = if let Some(root) = self.open()? {
            root
        } else {
            let parent = Directory::open(self.parent()).map_err(Error::at_target)?;
            let name = self.path.file_name().unwrap_or_default();
            let root = create_directory(&parent, name)?;
            parent.sync().map_err(Error::at_target)?;
            root
        };
        create_directory(&create_directory(&root, OWN_DIRECTORY)?, TEMPORARY)?;
        Ok(root)
    }

    /// The permission bits of the directory.
    pub(super) fn mode(&self) -> Result<u32, Error> {
        self.create()?.mode().map_err(Error::at_target)
    }

    /// The directory for the store's own files, created if it is missing.
    pub(super) fn own(&self) -> Result<Directory, Error> {
        create_directory(&self.create()?, OWN_DIRECTORY)
    }

    /// The directory for files that are being written, created if it is missing.
    pub(super) fn temporary(&self) -> Result<Directory, Error> {
        create_directory(&self.own()?, TEMPORARY)
    }

    fn parent(&self) -> &Path {
        match self.path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => &self.path,
        }
    }
}

/// Splits a path into its directory, which is empty for the root, and its name.
pub(super) fn split(path: &ReleasePath) -> (&str, &str) {
    path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()))
}

/// Opens a directory below the root. Returns `None` if it is missing, and also if a file is in its
/// place, since then nothing is below it.
pub(super) fn find(root: &Directory, path: &str) -> Result<Option<Directory>, Error> {
    match root.directory_at(path) {
        Err(netboot_core::Error::Io { source, .. })
            if source.kind() == io::ErrorKind::NotADirectory =>
        {
            Ok(None)
        }
        found => found.map_err(Error::at_target),
    }
}

/// Opens a directory below the root, and creates it and the directories above it if they are
/// missing.
pub(super) fn create_at(root: &Directory, path: &str) -> Result<Directory, Error> {
    let mut names = path.split('/').filter(|name| !name.is_empty());
    names.try_fold(root.clone(), |directory, name| create_directory(&directory, name))
}

fn create_directory(parent: &Directory, name: impl AsRef<OsStr>) -> Result<Directory, Error> {
    Ok(parent.create_directory(name).map_err(Error::at_target)?.0)
}

/// Syncs the directory of `path` and all directories above it, the innermost first.
pub(super) fn sync_above(root: &Directory, path: &ReleasePath) -> Result<(), Error> {
    let mut above = Path::new(path.as_str()).ancestors().skip(1);
    above.try_for_each(|directory| sync(root, directory))
}

/// Syncs a directory, unless another publisher deleted it.
pub(super) fn sync(root: &Directory, path: &Path) -> Result<(), Error> {
    let found = find(root, &path.to_string_lossy())?;
    found.map_or(Ok(()), |directory| directory.sync().map_err(Error::at_target))
}

pub(super) fn is_missing(error: &netboot_core::Error) -> bool {
    matches!(error, netboot_core::Error::Io { source, .. }
        if source.kind() == io::ErrorKind::NotFound)
}
