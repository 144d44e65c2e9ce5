//! Mounting file systems with the kernel's calls for it, which need Linux 5.2.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::CWD;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen, move_mount,
};

/// An option of a file system.
pub(crate) enum MountOption<'a> {
    /// A name alone.
    Flag(&'a str),
    /// A name with a value.
    Value(&'a str, &'a str),
}

/// Mounts a file system at no place: only the returned descriptor leads to it, and the kernel
/// unmounts it when the last such descriptor is closed, even if the process is killed.
pub(crate) fn mount_detached(
    kind: &str,
    options: &[MountOption<'_>],
    attributes: MountAttrFlags,
) -> io::Result<OwnedFd> {
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    let mounted = options
        .iter()
        .try_for_each(|option| match option {
            MountOption::Flag(name) => fsconfig_set_flag(context.as_fd(), *name),
            MountOption::Value(name, value) => fsconfig_set_string(context.as_fd(), *name, *value),
        })
        .and_then(|()| fsconfig_create(context.as_fd()))
        .and_then(|()| fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes));
    mounted.map_err(|error| explain(context, error.into()))
}

/// Puts a mounted file system over a directory.
pub(crate) fn attach(root: &OwnedFd, directory: &Path) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    Ok(move_mount(root, "", CWD, directory, flags)?)
}

/// Adds what the file system itself says about an error, such as `ext4: Unknown parameter`. The
/// kernel gives one message for each read, after a letter for its level.
pub(crate) fn explain(context: OwnedFd, error: io::Error) -> io::Error {
    let mut buffer = [0; 512];
    match File::from(context).read(&mut buffer) {
        Ok(length) if length > 2 => {
            let message = String::from_utf8_lossy(&buffer[2..length]);
            io::Error::new(error.kind(), format!("{error}: {}", message.trim_end()))
        }
        _ => error,
    }
}
