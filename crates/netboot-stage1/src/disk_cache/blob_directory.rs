//! The directory of blobs on the disk. Whatever else lies in it is left alone.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use netboot_closure::Sha256;
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, fstat, fstatvfs, linkat, mkdirat, openat2,
    statat, syncfs, unlinkat,
};
use rustix::io::Errno;

use crate::disk_cache::budget::{Budget, Stored};
use crate::disk_cache::said::print;

/// The directory with the blobs, in the root of the file system.
const DIRECTORY: &str = "netboot-blobs";

/// The greatest number of names that are read. A boot needs some thousand blobs.
const MOST_NAMES: usize = 1 << 20;

/// A blob that is used gets the present time, at most once in this many seconds.
const USED_AGAIN: i64 = 24 * 60 * 60;

/// The directory of blobs.
#[derive(Debug)]
pub(crate) struct BlobDirectory {
    /// The mount. The kernel unmounts the file system when this is closed.
    _root: OwnedFd,
    directory: OwnedFd,
    budget: Mutex<Budget>,
    is_read_only: AtomicBool,
    /// The operations whose failure was told.
    told: Mutex<HashSet<String>>,
}

impl BlobDirectory {
    /// Opens the directory in the root of a file system, and makes it if it is missing.
    pub(crate) fn open(root: OwnedFd, budget: Option<u64>) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = || beneath(&root, DIRECTORY, flags, Mode::empty());
        let is_made = match mkdirat(&root, DIRECTORY, Mode::RWXU) {
            Err(Errno::EXIST) => Ok(()),
            result => result,
        };
        // On a disk that cannot be written, the directory may be there.
        let directory = open().map_err(|error| is_made.err().unwrap_or(error))?;
        let state = fstatvfs(&directory)?;
        let is_read_only = state.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY);
        let (free, all) = (state.f_bavail, state.f_blocks);
        let bytes = |blocks: u64| blocks.saturating_mul(state.f_frsize);
        let budget = Budget::new(stored(&directory)?, budget, bytes(free), bytes(all));
        if is_read_only {
            print("it cannot be written, so nothing new is kept");
        }
        Ok(Self {
            _root: root,
            directory,
            budget: Mutex::new(budget),
            is_read_only: is_read_only.into(),
            told: Mutex::default(),
        })
    }

    /// Opens a blob whose size is in a range, and returns the size. A blob of another size is
    /// damaged, so it is deleted.
    pub(crate) fn read(&self, digest: &Sha256, sizes: RangeInclusive<u64>) -> Option<(File, u64)> {
        // Without this flag, a pipe of the name would keep the process waiting.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = beneath(&self.directory, &digest.to_string(), flags, Mode::empty());
        let opened = opened.and_then(|file| Ok((fstat(&file)?, file)));
        let (state, file) = match opened {
            Ok(opened) => opened,
            // No such name, or a link, a device or a pipe: none is a blob.
            Err(Errno::NOENT | Errno::LOOP | Errno::ACCESS | Errno::NXIO) => return None,
            Err(error) => {
                self.failed("read", &error.into());
                return None;
            }
        };
        if FileType::from_raw_mode(state.st_mode) != FileType::RegularFile {
            return None;
        }
        let size = u64::try_from(state.st_size).unwrap_or(0);
        if !sizes.contains(&size) {
            self.discard(digest);
            return None;
        }
        let file = File::from(file);
        if !self.is_read_only() && seconds_now() > state.st_mtime.saturating_add(USED_AGAIN) {
            // Without the new time, the blob is only deleted sooner.
            let _ = file.set_modified(SystemTime::now());
        }
        Some((file, size))
    }

    /// Deletes a damaged blob.
    pub(crate) fn discard(&self, digest: &Sha256) {
        self.delete(digest);
        self.budget().forget(digest);
    }

    /// Begins a blob, and deletes others if there is no room for it. Returns `None` if it cannot be
    /// kept.
    pub(crate) fn create(&self, digest: &Sha256, size: u64) -> Option<NewBlob<'_>> {
        if self.is_read_only() {
            return None;
        }
        let deleted = self.budget().reserve(digest, size)?;
        for blob in &deleted {
            self.delete(blob);
        }
        // The file has no name, so nothing is left of it when this process ends.
        let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
        match beneath(&self.directory, ".", flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => {
                Some(NewBlob { directory: self, digest: *digest, size, file: Some(file.into()) })
            }
            Err(error) => {
                self.budget().release(size);
                self.failed("write", &error.into());
                None
            }
        }
    }

    /// Sets the blobs that the present boot needs.
    pub(crate) fn need(&self, blobs: HashSet<Sha256>) {
        self.budget().need(blobs);
    }

    /// Deletes what is beyond the budget, and writes everything to the disk.
    pub(crate) fn finish(&self) -> io::Result<()> {
        if self.is_read_only() {
            return Ok(());
        }
        let deleted = self.budget().trim();
        for blob in &deleted {
            self.delete(blob);
        }
        Ok(syncfs(&self.directory)?)
    }

    /// Tells a failure of the disk, the first time that it happens. After a failure of writing,
    /// nothing more is written.
    pub(crate) fn failed(&self, operation: &str, error: &io::Error) {
        if operation == "write" {
            self.is_read_only.store(true, Ordering::Relaxed);
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(operation.to_owned()) {
            print(&format!("cannot {operation} a blob: {error}"));
        }
    }

    /// Deletes a regular file with the name of a blob. Only such files are written here.
    fn delete(&self, digest: &Sha256) {
        let name = digest.to_string();
        let state = statat(&self.directory, &name, AtFlags::SYMLINK_NOFOLLOW);
        let is_file = state
            .is_ok_and(|state| FileType::from_raw_mode(state.st_mode) == FileType::RegularFile);
        if is_file && !self.is_read_only() {
            let deleted = unlinkat(&self.directory, &name, AtFlags::empty());
            if let Err(error) = deleted {
                self.failed("delete", &error.into());
            }
        }
    }

    fn is_read_only(&self) -> bool {
        self.is_read_only.load(Ordering::Relaxed)
    }

    fn budget(&self) -> MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A blob that is being written. Dropping it without [`commit`](Self::commit) leaves nothing.
#[derive(Debug)]
pub(crate) struct NewBlob<'a> {
    directory: &'a BlobDirectory,
    digest: Sha256,
    size: u64,
    file: Option<File>,
}

impl NewBlob<'_> {
    /// Writes a part of the blob.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.file.as_ref().ok_or(io::ErrorKind::InvalidInput)?;
        file.write_all(bytes).inspect_err(|error| self.directory.failed("write", error))
    }

    /// Gives the blob its name.
    pub(crate) fn commit(mut self) -> io::Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let name = self.digest.to_string();
        let link = || {
            let flags = AtFlags::EMPTY_PATH;
            linkat(file.as_fd(), "", &self.directory.directory, &name, flags)
        };
        let linked = match link() {
            // A file of an earlier boot that has vanished from the list, such as a short one.
            Err(Errno::EXIST) => {
                self.directory.delete(&self.digest);
                link()
            }
            linked => linked,
        };
        match linked {
            Ok(()) => {
                let blob = Stored { size: self.size, used: seconds_now() };
                self.directory.budget().stored(self.digest, blob);
                Ok(())
            }
            Err(error) => {
                self.directory.budget().release(self.size);
                // A name that something else has stays with it.
                if error != Errno::EXIST {
                    self.directory.failed("write", &error.into());
                }
                Err(error.into())
            }
        }
    }
}

impl Drop for NewBlob<'_> {
    fn drop(&mut self) {
        // Without a file, the blob was committed.
        if self.file.is_some() {
            self.directory.budget().release(self.size);
        }
    }
}

/// Opens a name in a directory, which nothing can lead out of.
fn beneath(directory: &OwnedFd, name: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    openat2(directory, name, flags, mode, resolve)
}

/// The blobs in a directory.
fn stored(directory: &OwnedFd) -> io::Result<HashMap<Sha256, Stored>> {
    let mut blobs = HashMap::new();
    for entry in Dir::read_from(directory)?.take(MOST_NAMES) {
        let entry = entry?;
        let digest = entry.file_name().to_str().ok().and_then(|name| Sha256::from_hex(name).ok());
        let Some(digest) = digest else { continue };
        let state = statat(directory, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(state.st_mode) == FileType::RegularFile {
            // A file with holes takes less than its size. The unit is fixed (`stat(2)`).
            let size = u64::try_from(state.st_blocks).unwrap_or(0).saturating_mul(512);
            blobs.insert(digest, Stored { size, used: state.st_mtime });
        }
    }
    Ok(blobs)
}

/// The present time in seconds since 1970.
fn seconds_now() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}
