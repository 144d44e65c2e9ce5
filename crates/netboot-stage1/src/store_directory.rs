//! The directory that store paths are unpacked into.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use netboot_closure::console::{ConsoleText, FailureCause};
use netboot_closure::{Index, IndexEntry};

use crate::decode::archive_digest;

/// The beginning of the names of store paths that are not complete. No store path begins with it.
const PARTIAL: &str = ".partial-";

/// The file that tells the system which store paths are there, as `nix-store --load-db` reads it.
const REGISTRATION: &str = "nix-path-registration";

/// The directory that store paths are unpacked into.
///
/// A store path has its own name only when it is complete and verified. The registration is there
/// only when all of them are. If the program is started again, it keeps a store path whose files
/// still have the archive digest of the index, whoever wrote them, and removes everything else that
/// it left.
#[derive(Debug, Clone)]
pub(crate) struct StoreDirectory(PathBuf);

impl StoreDirectory {
    /// Takes over a directory, and removes what an earlier run left unfinished.
    pub(crate) fn open(path: &Path) -> Result<Self, FailureCause> {
        let remains = |name: &str| name.starts_with(PARTIAL) || name == REGISTRATION;
        let clean = || {
            for entry in fs::read_dir(path)? {
                let entry = entry?;
                if entry.file_name().to_str().is_some_and(remains) {
                    remove(&entry.path())?;
                }
            }
            Ok(())
        };
        clean().map_err(|error| failed("clean", path, &error))?;
        Ok(Self(path.to_owned()))
    }

    /// Returns the place for an unfinished store path. Nothing is there.
    pub(crate) fn partial(&self, entry: &IndexEntry) -> Result<PathBuf, FailureCause> {
        let path = self.0.join(format!("{PARTIAL}{}", entry.path.base_name()));
        remove(&path).map_err(|error| failed("remove", &path, &error))?;
        Ok(path)
    }

    /// Returns the place of a store path.
    pub(crate) fn place(&self, entry: &IndexEntry) -> PathBuf {
        self.0.join(entry.path.base_name())
    }

    /// Gives a verified store path its name.
    pub(crate) fn complete(&self, entry: &IndexEntry) -> Result<(), FailureCause> {
        let (partial, place) = (format!("{PARTIAL}{}", entry.path.base_name()), self.place(entry));
        fs::rename(self.0.join(partial), &place).map_err(|error| failed("write", &place, &error))
    }

    /// Returns true if a store path is there and right. Removes it if it is not right.
    pub(crate) fn has(&self, entry: &IndexEntry) -> Result<bool, FailureCause> {
        let place = self.place(entry);
        if fs::symlink_metadata(&place).is_err() {
            return Ok(false);
        }
        if archive_digest(&place).is_ok_and(|digest| digest == entry.nar_hash) {
            return Ok(true);
        }
        remove(&place).map_err(|error| failed("remove", &place, &error))?;
        Ok(false)
    }

    /// Writes the registration. All store paths are there.
    pub(crate) fn register(&self, index: &Index) -> Result<(), FailureCause> {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = index.write_registration(&mut text);
        let (partial, place) = (self.0.join(format!("{PARTIAL}0")), self.0.join(REGISTRATION));
        fs::write(&partial, text)
            .and_then(|()| fs::rename(&partial, &place))
            .map_err(|error| failed("write", &place, &error))
    }

    /// Returns true if the program that the closure's system starts with is there. A symbolic link
    /// may lead to another store path, which cannot be followed before the store is mounted.
    pub(crate) fn has_init(&self, index: &Index) -> bool {
        let mut path = self.0.clone();
        let (init, store) = (index.init(), index.store_directory());
        let below = init.strip_prefix(store).unwrap_or(init);
        for part in below.trim_start_matches('/').split('/') {
            path.push(part);
            match fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_symlink() => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
        true
    }
}

pub(crate) fn failed(action: &str, path: &Path, error: &io::Error) -> FailureCause {
    FailureCause::InputOutput {
        action: ConsoleText::new(format!("{action} {}", path.display())),
        reason: ConsoleText::new(error.to_string()),
    }
}

/// Removes a tree, if it is there. Directories of store paths cannot be written, except by root.
fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(metadata) if metadata.is_dir() => {
            fs::set_permissions(path, Permissions::from_mode(0o700))?;
            for entry in fs::read_dir(path)? {
                remove(&entry?.path())?;
            }
            fs::remove_dir(path)
        }
        Ok(_) => fs::remove_file(path),
    }
}
