//! Making errors from other errors.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use netboot_core::{ProfileName, ReleasePath, Report};

use crate::error::Error;

/// The action for which a user needs write access to a whole target, and not only to the part that
/// was refused first.
pub(crate) const WRITE_TO: &str = "write to";

/// The action for which a user needs read access to a whole target.
pub(crate) const READ_FROM: &str = "read what is in";

impl From<netboot_core::Error> for Error {
    fn from(error: netboot_core::Error) -> Self {
        match error {
            netboot_core::Error::Cancelled => Self::Cancelled,
            netboot_core::Error::InvalidValue(error) => Self::InvalidValue(error),
            error => Self::Artifact(error),
        }
    }
}

/// A value that is valid already. Functions that take a text or such a value need this conversion.
impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

#[cfg(feature = "rsync")]
impl From<crate::rsync::failure::RsyncFailure> for Error {
    fn from(failure: crate::rsync::failure::RsyncFailure) -> Self {
        Self::Rsync { source: Box::new(failure) }
    }
}

impl Error {
    /// The error for a listing of a store that leaves out an object which is there.
    pub(crate) fn stale_listing(store: impl fmt::Display, path: ReleasePath) -> Self {
        Self::StaleListing { path, store: store.to_string() }
    }

    pub(crate) fn index(profile: &ProfileName, problem: &str) -> Self {
        Self::ClosureIndex { profile: profile.clone(), problem: problem.to_owned() }
    }

    /// Makes the error of a failed file operation at a target. `action` is a verb, such as `write`.
    /// A full disk, a read-only file system and a missing permission have their own variants.
    pub fn io(action: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        let path = path.as_ref().to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull if has_no_inode(&path) => {
                Self::StorageFull { path, source: io::Error::new(source.kind(), NoInode) }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::StorageFull { path, source }
            }
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path, source },
            io::ErrorKind::PermissionDenied => Self::PermissionDenied { action, path, source },
            io::ErrorKind::NotADirectory => Self::NotADirectory { path: in_the_way(path) },
            _ => Self::Io { action, path, source },
        }
    }

    /// Returns true if something that is no object lies at a path that was read: a link, a pipe, a
    /// device or a directory.
    pub(crate) fn is_no_object(&self) -> bool {
        use netboot_core::Error::{NotAFile, SymbolicLink};
        matches!(self, Self::Target(NotAFile { .. } | SymbolicLink { .. }))
    }

    /// Returns true if the thing at a path is no object, or is too large to be read at once.
    pub(crate) fn is_no_document(&self) -> bool {
        self.is_no_object() || matches!(self, Self::TooLarge { .. })
    }

    /// Makes an error of a store's reader. Returns the store's own error if `source` carries one.
    pub(crate) fn reading(path: &ReleasePath, source: io::Error) -> Self {
        source
            .downcast()
            .or_else(|source| source.downcast().map(Self::at_target))
            .unwrap_or_else(|source| Self::io("read", path.as_str(), source))
    }

    /// Makes the error of a file operation beneath the directory of a target.
    pub(crate) fn at_target(error: netboot_core::Error) -> Self {
        match error {
            netboot_core::Error::Io { action, path, source } => Self::io(action, path, source),
            netboot_core::Error::Cancelled => Self::Cancelled,
            source => Self::Target(source),
        }
    }

    /// Wraps the error of a caller's store, which failed to `action` (a verb) `path`. The error is
    /// a [`BackendError`](netboot_core::BackendError), a boxed error, or an error of another crate
    /// as [`Report::foreign`].
    pub fn store(
        store: &dyn std::fmt::Display,
        action: &'static str,
        path: &dyn std::fmt::Display,
        source: impl Into<Report>,
    ) -> Self {
        let (store, path) = (store.to_string(), path.to_string());
        let (source, advice) = source.into().into_parts();
        Self::Store { store, action, path, advice, source }
    }

    /// Wraps the error of a caller's [`Signer`](crate::Signer), as [`Error::store`] does.
    pub fn signer(source: impl Into<Report>) -> Self {
        let (source, advice) = source.into().into_parts();
        Self::Signer { advice, source }
    }
}

/// The part of a path that is no directory although the path goes on below it.
fn in_the_way(path: PathBuf) -> PathBuf {
    let is_other = |above: &&Path| above.metadata().is_ok_and(|found| !found.is_dir());
    let found = path.ancestors().skip(1).find(is_other).map(Path::to_owned);
    found.unwrap_or(path)
}

/// The file system has space and cannot hold one file more.
#[derive(Debug, thiserror::Error)]
#[error("the file system has no inode left")]
pub(super) struct NoInode;

/// Returns true if the file system of a path, which need not exist, has no inode left.
#[cfg(feature = "local")]
fn has_no_inode(path: &Path) -> bool {
    let mut above = path.ancestors().filter(|path| path.is_absolute());
    let found = above.find_map(|path| rustix::fs::statvfs(path).ok());
    found.is_some_and(|found| found.f_files > 0 && found.f_ffree == 0)
}

#[cfg(not(feature = "local"))]
fn has_no_inode(_: &Path) -> bool {
    false
}
