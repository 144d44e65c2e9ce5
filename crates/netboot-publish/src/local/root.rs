//! The directory of the store, and the creation of directories in it.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use netboot_core::ReleasePath;

use crate::error::Error;

/// The directory for the store's own files. No [`ReleasePath`] starts with a dot.
pub(super) const OWN_DIRECTORY: &str = ".netboot";

#[derive(Debug, Clone)]
pub(super) struct Root(PathBuf);

impl Root {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self(directory)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Runs `work` on a thread that may block.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let root = self.clone();
        netboot_core::blocking(move || work(&root)).await
    }

    pub(super) fn place(&self, path: &ReleasePath) -> PathBuf {
        self.0.join(path.as_str())
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.0.join(OWN_DIRECTORY).join("lock")
    }

    pub(super) fn swap_lock(&self) -> PathBuf {
        self.0.join(OWN_DIRECTORY).join("swap-lock")
    }

    pub(super) fn temporary(&self) -> PathBuf {
        self.0.join(OWN_DIRECTORY).join("temporary")
    }

    /// Fails unless the directory exists or can be created.
    pub(super) fn check(&self) -> Result<(), Error> {
        match fs::metadata(&self.0) {
            Ok(metadata) if metadata.is_dir() => Ok(()),
            Ok(_) => Err(Error::NotADirectory { path: self.0.clone() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let parent = self.parent();
                if parent.is_dir() {
                    Ok(())
                } else {
                    Err(Error::NoSuchDirectory { path: parent.to_owned() })
                }
            }
            Err(error) => Err(Error::io("look at", &self.0, error)),
        }
    }

    fn parent(&self) -> &Path {
        match self.0.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => &self.0,
        }
    }

    /// Creates the directory, and the store's own directories in it.
    pub(super) fn create(&self) -> Result<(), Error> {
        self.check()?;
        if create_directory(&self.0)? {
            sync(self.parent())?;
        }
        create_directory(&self.0.join(OWN_DIRECTORY))?;
        create_directory(&self.temporary())?;
        Ok(())
    }

    /// Creates the directories above `path`.
    pub(super) fn create_parents(&self, path: &ReleasePath) -> Result<(), Error> {
        let mut directories = self.ancestors(path);
        directories.reverse();
        directories.iter().try_for_each(|directory| create_directory(directory).map(drop))
    }

    /// The directories above `path`, innermost first, and the root last.
    pub(super) fn ancestors(&self, path: &ReleasePath) -> Vec<PathBuf> {
        let above = Path::new(path.as_str()).ancestors().skip(1);
        above.map(|directory| self.0.join(directory)).collect()
    }
}

/// Creates a directory that everyone can read. Returns true if it is new.
fn create_directory(path: &Path) -> Result<bool, Error> {
    match fs::create_dir(path) {
        Ok(()) => {
            fs::set_permissions(path, Permissions::from_mode(0o755))
                .map_err(|source| Error::io("make readable", path, source))?;
            Ok(true)
        }
        // A read-only file system fails even if the directory exists.
        Err(_) if path.is_dir() => Ok(false),
        // Something else is there. If nothing is, another publisher deleted the directory just now.
        Err(error)
            if error.kind() == io::ErrorKind::AlreadyExists
                && fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_dir()) =>
        {
            Err(Error::NotADirectory { path: path.to_owned() })
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(Error::io("create", path, io::ErrorKind::NotFound.into()))
        }
        Err(error) => Err(Error::io("create", path, error)),
    }
}

/// Syncs a directory, so that new, renamed and deleted entries survive a crash.
pub(super) fn sync(directory: &Path) -> Result<(), Error> {
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    match synced {
        // Some file systems cannot sync directories and need not. A directory that another
        // publisher deleted has nothing to sync.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported | io::ErrorKind::NotFound
            ) =>
        {
            Ok(())
        }
        other => other.map_err(|source| Error::io("sync", directory, source)),
    }
}

/// Turns the error for a missing file into `None`.
pub(super) fn if_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
