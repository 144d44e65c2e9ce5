//! File locks, which end with the process that holds them.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use netboot_core::Context;

use crate::error::Error;

/// The wait between two attempts.
const RETRY: Duration = Duration::from_millis(5);

/// Acquires the lock on the file at `path`. Dropping the returned file releases it.
///
/// Tries repeatedly instead of blocking, because a thread that waits for a lock can be neither
/// cancelled nor dropped.
pub(super) async fn acquire(path: PathBuf, context: &Context) -> Result<File, Error> {
    loop {
        context.check()?;
        let attempt = {
            let path = path.clone();
            netboot_core::blocking(move || try_acquire(&path))
        };
        match attempt.await? {
            Some(file) => return Ok(file),
            None => tokio::time::sleep(RETRY).await,
        }
    }
}

fn try_acquire(path: &Path) -> Result<Option<File>, Error> {
    let failed = |source| Error::io("lock", path, source);
    let file = OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}
