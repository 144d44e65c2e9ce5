//! Creating, renaming and deleting names of a directory.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::Directory;
use crate::error::Error;

impl Directory {
    /// Opens a directory in this one, and creates it with the mode 0755 if it is missing. If the
    /// group of this directory may write to it, it may write to the new one too. Returns true if
    /// the directory is new.
    ///
    /// # Errors
    /// See [`Directory`].
    pub fn create_directory(&self, name: impl AsRef<OsStr>) -> Result<(Self, bool), Error> {
        let (name, path) = self.single(name.as_ref())?;
        // A read-only file system refuses to create a directory even if it exists.
        if let Some(directory) = self.directory(name)? {
            return Ok((directory, false));
        }
        let made = match rustix::fs::mkdirat(&self.handle, name, Mode::from_raw_mode(0o755)) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(error) => return Err(Error::io("create", path, error.into())),
        };
        // Somebody may delete the new directory because it is empty.
        let vanished = || Error::io("create", &path, io::ErrorKind::NotFound.into());
        let directory = self.directory(name)?.ok_or_else(vanished)?;
        if made {
            // The umask may have taken bits away.
            let failed = |error: Errno| Error::io("make readable", &path, error.into());
            let handle = directory.readable().map_err(failed)?;
            // The kernel hands the bit on that makes the directory's group the group of new files.
            let set_group = directory.mode()? & Mode::SGID.as_raw_mode();
            set_mode(&handle, 0o755 | set_group | self.group_write()?).map_err(failed)?;
        }
        Ok((directory, made))
    }

    /// Creates a file with the mode 0644, for writing and reading. If the group of this directory
    /// may write to it, it may write to the file too. Fails if the name is taken, wherever a link
    /// there leads.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create_file(&self, name: impl AsRef<OsStr>) -> Result<File, Error> {
        let (name, path) = self.single(name.as_ref())?;
        let failed = |error: Errno| Error::io("create", &path, error.into());
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.handle, name, flags, Mode::from_raw_mode(0o600));
        let file = file.map_err(failed)?;
        set_mode(&file, 0o644 | self.group_write()?).map_err(failed)?;
        Ok(file.into())
    }

    /// The permission bit for the group, if a group shares this directory.
    fn group_write(&self) -> Result<u32, Error> {
        Ok(self.mode()? & Mode::WGRP.as_raw_mode())
    }

    /// Opens the file of a lock, and creates it if it is missing. It is never truncated or written.
    /// If the group of this directory may write to it, it may lock the file too.
    ///
    /// # Errors
    /// See [`Directory`].
    pub fn lock_file(&self, name: impl AsRef<OsStr>) -> Result<File, Error> {
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE;
        let name = name.as_ref();
        let missing = || Error::io("lock", self.path.join(name), io::ErrorKind::NotFound.into());
        let file = self.open_file("lock", name, flags)?.ok_or_else(missing)?;
        let failed = |error: Errno| Error::io("share", self.path.join(name), error.into());
        let (mode, group) =
            (rustix::fs::fstat(&file).map_err(failed)?.st_mode, self.group_write()?);
        if mode & group != group {
            // The umask took the bit away. Only the owner can give it back.
            match set_mode(&file, (mode & 0o7777) | group) {
                Ok(()) | Err(Errno::PERM) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(file)
    }

    /// Creates a symbolic link with the text `target`. Fails if the name is taken.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create_link(
        &self,
        name: impl AsRef<OsStr>,
        target: impl AsRef<Path>,
    ) -> Result<(), Error> {
        let (name, path) = self.single(name.as_ref())?;
        rustix::fs::symlinkat(target.as_ref(), &self.handle, name)
            .map_err(|error| Error::io("link", path, error.into()))
    }

    /// Moves a name of this directory to `place` in another one. It replaces a file or a link that
    /// is there.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn rename(
        &self,
        name: impl AsRef<OsStr>,
        to: &Self,
        place: impl AsRef<OsStr>,
    ) -> Result<(), Error> {
        let (name, _) = self.single(name.as_ref())?;
        let (place, path) = to.single(place.as_ref())?;
        rustix::fs::renameat(&self.handle, name, &to.handle, place)
            .map_err(|error| Error::io("write", path, error.into()))
    }

    /// Deletes a name that is no directory: a file, or a link and not the file that it leads to.
    /// Returns false if it is missing.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn remove(&self, name: impl AsRef<OsStr>) -> Result<bool, Error> {
        let (name, path) = self.single(name.as_ref())?;
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(Error::io("delete", path, error.into())),
        }
    }

    /// Deletes a directory if it is empty. Returns false if it cannot be deleted.
    pub fn remove_empty_directory(&self, name: impl AsRef<OsStr>) -> bool {
        self.single(name.as_ref()).is_ok_and(|(name, _)| {
            rustix::fs::unlinkat(&self.handle, name, AtFlags::REMOVEDIR).is_ok()
        })
    }

    /// Syncs the directory, so that new, renamed and deleted names survive a crash.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn sync(&self) -> Result<(), Error> {
        match self.readable().and_then(rustix::fs::fsync) {
            // Some file systems cannot sync directories and need not. A directory that somebody
            // deleted has nothing to sync.
            Ok(()) | Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::NOENT) => Ok(()),
            Err(error) => Err(Error::io("sync", &self.path, error.into())),
        }
    }
}

/// Sets the permission bits. Some file systems (CIFS, FUSE) give every file one mode and refuse to
/// change it: that is enough if it has these bits.
fn set_mode(file: impl AsFd, mode: u32) -> Result<(), Errno> {
    match rustix::fs::fchmod(&file, Mode::from_raw_mode(mode)) {
        Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS)
            if rustix::fs::fstat(&file)?.st_mode & mode == mode =>
        {
            Ok(())
        }
        set => set,
    }
}
