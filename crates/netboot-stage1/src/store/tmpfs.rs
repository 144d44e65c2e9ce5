//! Files in memory: the limits of a tmpfs.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{CWD, StatFs, statfs};
use rustix::mount::{
    FsPickFlags, MountAttrFlags, fsconfig_reconfigure, fsconfig_set_string, fspick,
};

use crate::error::Error;
use crate::memory::MemoryNeed;
use crate::mount::{MountOption, attach, explain, mount_detached};

/// `TMPFS_MAGIC` of Linux's `include/uapi/linux/magic.h`.
const TMPFS: u64 = 0x0102_1994;

/// Room for the registration, for temporary names, and for what the initrd itself writes there.
const SPARE_BYTES: u64 = 64 << 20;
const SPARE_INODES: u64 = 4096;

/// Prepares a directory for a closure: mounts a tmpfs over it if `mount` says so, or gives the
/// tmpfs that is mounted there the limits that the closure needs. Limits are never lowered.
pub(crate) fn prepare(directory: &Path, need: &MemoryNeed, mount: bool) -> Result<(), Error> {
    let files = need.unpacked_bytes;
    let bytes = files.saturating_add(files / 50).saturating_add(SPARE_BYTES);
    let inodes = need.inodes.saturating_add(SPARE_INODES);
    let failed = |action, source| Error::io(action, directory, source);
    if mount {
        return mount_tmpfs(directory, bytes, inodes).map_err(|source| failed("mount", source));
    }
    let state = statfs(directory).map_err(|source| failed("examine", source.into()))?;
    if is_tmpfs(&state) {
        match raise_limits(directory, &state, bytes, inodes) {
            // The directory is not the root of the tmpfs, so its limits are not ours to change.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
            result => return result.map_err(|source| failed("raise the limits of", source)),
        }
    }
    // Some file systems, such as ramfs, have no limits and say 0.
    let free = state.f_bavail.saturating_mul(block(&state));
    if state.f_blocks > 0 && free < files {
        return Err(Error::Room { directory: directory.to_owned(), needed: files, free });
    }
    Ok(())
}

fn mount_tmpfs(directory: &Path, bytes: u64, inodes: u64) -> io::Result<()> {
    let (bytes, inodes) = (bytes.to_string(), inodes.to_string());
    let options = [
        MountOption::Value("size", &bytes),
        MountOption::Value("nr_inodes", &inodes),
        MountOption::Value("mode", "0755"),
    ];
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    attach(&mount_detached("tmpfs", &options, attributes)?, directory)
}

/// Raises the limits of the tmpfs whose root is `directory`. Limits of 0 are none.
fn raise_limits(directory: &Path, state: &StatFs, bytes: u64, inodes: u64) -> io::Result<()> {
    let block = block(state);
    let mut limits = Vec::new();
    if state.f_blocks > 0 && state.f_bfree.saturating_mul(block) < bytes {
        let used = state.f_blocks.saturating_sub(state.f_bfree).saturating_mul(block);
        limits.push(("size", used.saturating_add(bytes)));
    }
    if state.f_files > 0 && state.f_ffree < inodes {
        let used = state.f_files.saturating_sub(state.f_ffree);
        limits.push(("nr_inodes", used.saturating_add(inodes)));
    }
    let context = fspick(CWD, directory, FsPickFlags::FSPICK_CLOEXEC)?;
    let raised = limits
        .into_iter()
        .try_for_each(|(name, value)| fsconfig_set_string(context.as_fd(), name, value.to_string()))
        .and_then(|()| fsconfig_reconfigure(context.as_fd()));
    raised.map_err(|error| explain(context, error.into()))
}

fn is_tmpfs(state: &StatFs) -> bool {
    u64::try_from(state.f_type).is_ok_and(|kind| kind == TMPFS)
}

/// The size of a block in bytes.
fn block(state: &StatFs) -> u64 {
    u64::try_from(state.f_bsize).unwrap_or(1)
}
