//! Files that are being written, and files that killed publishers left behind.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use tempfile::NamedTempFile;

use super::root::Root;
use crate::error::Error;

/// Creates a locked file with the mode of published files. Dropping it deletes it.
///
/// The lock shows that the file is in use. The file of a killed publisher has no lock.
pub(super) fn create(root: &Root) -> Result<NamedTempFile, Error> {
    let directory = root.temporary();
    let failed = |source| Error::io("create a file in", &directory, source);
    loop {
        let temporary = NamedTempFile::new_in(&directory).map_err(failed)?;
        let file = temporary.as_file();
        file.set_permissions(Permissions::from_mode(0o644)).map_err(failed)?;
        // `remove_abandoned` may have locked or deleted the file before it was locked here.
        if file.try_lock().is_ok() && file.metadata().map_err(failed)?.nlink() > 0 {
            return Ok(temporary);
        }
    }
}

/// Removes the files that no publisher has locked.
pub(super) fn remove_abandoned(root: &Root) -> Result<(), Error> {
    let directory = root.temporary();
    let failed = |source| Error::io("clean up", &directory, source);
    for entry in fs::read_dir(&directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_link = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_symlink());
        // Hold the lock until the file is deleted, so that the publisher that created it just now
        // and waits for the lock finds it deleted. A file that disappears was put into place.
        let lock = File::open(&path).ok().filter(|file| file.try_lock().is_ok());
        if (is_link || lock.is_some())
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::debug!(path = %path.display(), %error, "cannot remove an abandoned file");
        }
    }
    Ok(())
}
