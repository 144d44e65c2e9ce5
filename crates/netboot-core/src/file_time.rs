//! The times of files, by the clocks of their file systems.

use std::fs::File;
use std::io;

use rustix::fs::{Timespec, Timestamps, UTIME_NOW};

/// Gives a file the present time, by the clock of its file system. That clock may be another
/// machine's. Ages that are counted from another new file there are then right, even if the clock
/// of this machine is wrong.
///
/// # Errors
/// If the file system refuses, for example because the file belongs to another user.
pub fn touch(file: &File) -> io::Result<()> {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    Ok(rustix::fs::futimens(file, &Timestamps { last_access: now, last_modification: now })?)
}
