//! A directory by its handle: nothing beneath it is reached through a symbolic link.

mod links;
mod writing;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::error::Error;

/// A directory, opened by its handle, in which others may replace any name at any time.
///
/// Each method takes one name and works relative to the handle, so that a link in place of a name
/// leads nowhere: not out of the directory, and not to another place in it. Only [`open`] and
/// [`file_through_links`] follow links.
///
/// A method returns `None` if there is nothing under the name. It fails with
/// [`Error::SymbolicLink`], [`Error::NotAFile`] or [`Error::Io`] (of the kind `NotADirectory`) if
/// something of another kind is there.
///
/// ```
/// use netboot_core::beneath::Directory;
///
/// # let root = tempfile::tempdir()?;
/// # let root = root.path();
/// std::os::unix::fs::symlink("/etc/passwd", root.join("users"))?;
/// let directory = Directory::open(root)?;
/// assert!(directory.file("missing")?.is_none());
/// assert!(directory.file("users").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`open`]: Self::open
/// [`file_through_links`]: Self::file_through_links
#[derive(Debug, Clone)]
pub struct Directory {
    handle: Arc<OwnedFd>,
    path: PathBuf,
}

/// One name of a [`Directory`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found {
    /// A regular file.
    File {
        /// Its size in bytes.
        size: u64,
        /// The time of its last change.
        modified: SystemTime,
    },
    /// A directory.
    Directory,
    /// A symbolic link.
    Link {
        /// The text of the link.
        target: PathBuf,
    },
    /// A named pipe, a socket or a device.
    Other,
}

impl Directory {
    /// Opens the directory at `path`. The path may lead through links, because the caller chose it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref().to_owned();
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::open(&path, flags, Mode::empty()) {
            Ok(handle) => Ok(Self { handle: Arc::new(handle), path }),
            Err(error) => Err(Error::io("open", path, error.into())),
        }
    }

    /// The path that the directory had when it was opened, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a directory in this one.
    ///
    /// # Errors
    /// See [`Directory`].
    pub fn directory(&self, name: impl AsRef<OsStr>) -> Result<Option<Self>, Error> {
        let (name, path) = self.single(name.as_ref())?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(handle) => Ok(Some(Self { handle: Arc::new(handle), path })),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::NOTDIR | Errno::LOOP) if self.is_link(name) => {
                Err(Error::SymbolicLink { path })
            }
            Err(error) => Err(Error::io("open", path, error.into())),
        }
    }

    /// Opens the directory at a relative path without `..`, one name after the other. An empty path
    /// is this directory.
    ///
    /// # Errors
    /// See [`Directory`].
    pub fn directory_at(&self, path: impl AsRef<Path>) -> Result<Option<Self>, Error> {
        let mut place = self.clone();
        for name in path.as_ref().components().map(Component::as_os_str) {
            match place.directory(name)? {
                Some(next) => place = next,
                None => return Ok(None),
            }
        }
        Ok(Some(place))
    }

    /// Looks at a name.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn look(&self, name: impl AsRef<OsStr>) -> Result<Option<Found>, Error> {
        let (name, path) = self.single(name.as_ref())?;
        let failed = |error: Errno| Error::io("look at", &path, error.into());
        let stat = match rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        Ok(Some(match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {
                let size = u64::try_from(stat.st_size).unwrap_or_default();
                Found::File { size, modified: modified(&stat) }
            }
            FileType::Directory => Found::Directory,
            FileType::Symlink => match rustix::fs::readlinkat(&self.handle, name, Vec::new()) {
                Ok(target) => {
                    Found::Link { target: OsString::from_vec(target.into_bytes()).into() }
                }
                // Somebody deleted or replaced it just now.
                Err(Errno::NOENT) => return Ok(None),
                Err(Errno::INVAL) => Found::Other,
                Err(error) => return Err(failed(error)),
            },
            _ => Found::Other,
        }))
    }

    /// Opens a regular file for reading. It never waits for the writer of a named pipe.
    ///
    /// # Errors
    /// See [`Directory`].
    pub fn file(&self, name: impl AsRef<OsStr>) -> Result<Option<File>, Error> {
        self.open_file("open", name.as_ref(), OFlags::RDONLY)
    }

    /// The names in the directory.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn names(&self) -> Result<Vec<OsString>, Error> {
        let failed = |error: Errno| Error::io("list", &self.path, error.into());
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::new(self.readable().map_err(failed)?).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name));
            }
        }
        Ok(names)
    }

    /// The permission bits of the directory.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn mode(&self) -> Result<u32, Error> {
        Ok(self.stat()?.st_mode & 0o7777)
    }

    /// The number of the user who owns the directory.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn owner(&self) -> Result<u32, Error> {
        Ok(self.stat()?.st_uid)
    }

    fn stat(&self) -> Result<rustix::fs::Stat, Error> {
        let stat = rustix::fs::fstat(&self.handle);
        stat.map_err(|error| Error::io("look at", &self.path, error.into()))
    }

    fn open_file(
        &self,
        action: &'static str,
        name: &OsStr,
        flags: OFlags,
    ) -> Result<Option<File>, Error> {
        let (name, path) = self.single(name)?;
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o666);
        let file = match rustix::fs::openat(&self.handle, name, flags, mode) {
            Ok(handle) => File::from(handle),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(Error::SymbolicLink { path }),
            // A socket, a device without a driver, a named pipe, a directory.
            Err(Errno::NXIO | Errno::NODEV | Errno::ISDIR) => return Err(Error::NotAFile { path }),
            Err(error) => return Err(Error::io(action, path, error.into())),
        };
        let metadata = file.metadata().map_err(|source| Error::io(action, &path, source))?;
        if metadata.is_file() { Ok(Some(file)) } else { Err(Error::NotAFile { path }) }
    }

    /// A handle that can be listed and synced. This one can only lead to names.
    fn readable(&self) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.handle, ".", flags, Mode::empty())
    }

    fn is_link(&self, name: &OsStr) -> bool {
        rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
    }

    /// Fails unless this is one name. The kernel would follow links in the middle of a path.
    fn single<'a>(&self, name: &'a OsStr) -> Result<(&'a OsStr, PathBuf), Error> {
        let path = self.path.join(name);
        match Path::new(name).components().collect::<Vec<_>>()[..] {
            [Component::Normal(only)] if only == name => Ok((name, path)),
            _ => Err(Error::io("open", path, io::ErrorKind::InvalidInput.into())),
        }
    }
}

fn modified(stat: &Stat) -> SystemTime {
    let seconds = u64::try_from(stat.st_mtime).unwrap_or_default();
    UNIX_EPOCH + Duration::new(seconds, u32::try_from(stat.st_mtime_nsec).unwrap_or_default())
}
