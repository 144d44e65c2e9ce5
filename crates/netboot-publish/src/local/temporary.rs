//! Files that are being written, and what killed publishers left of theirs.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use tempfile::NamedTempFile;

use super::root::Root;
use crate::error::Error;

/// A new file, locked, with the mode that published files have. It is deleted when dropped.
///
/// The lock tells it from a file that a killed publisher left.
pub(super) fn create(root: &Root) -> Result<NamedTempFile, Error> {
    let directory = root.temporary();
    let failed = |source| Error::io("create a file in", &directory, source);
    loop {
        let temporary = NamedTempFile::new_in(&directory).map_err(failed)?;
        let file = temporary.as_file();
        file.set_permissions(Permissions::from_mode(0o644)).map_err(failed)?;
        // Whoever removes abandoned files may have been faster than the lock, or hold it now.
        if file.try_lock().is_ok() && file.metadata().map_err(failed)?.nlink() > 0 {
            return Ok(temporary);
        }
    }
}

/// Removes the files that nobody holds a lock on.
pub(super) fn remove_abandoned(root: &Root) -> Result<(), Error> {
    let directory = root.temporary();
    let failed = |source| Error::io("clean up", &directory, source);
    for entry in fs::read_dir(&directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_link = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_symlink());
        // The lock is held until the file is gone: whoever made it just now and waits for the
        // lock has to find it deleted. One that vanishes meanwhile was renamed into its place.
        let lock = File::open(&path).ok().filter(|file| file.try_lock().is_ok());
        if (is_link || lock.is_some())
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::debug!(path = %path.display(), %error, "not removed");
        }
    }
    Ok(())
}
