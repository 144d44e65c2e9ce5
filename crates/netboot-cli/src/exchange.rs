//! Two files or directories take each other's places.

use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};

/// Exchanges two files or directories at one moment, so that neither path is ever without one.
///
/// # Errors
/// If one of them does not exist, or the file system cannot exchange them.
pub(crate) fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}
