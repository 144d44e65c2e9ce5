//! File locks, which end with the process that holds them.

use std::fs::{File, TryLockError};
use std::time::Duration;

use netboot_core::Context;

use super::root::Root;
use crate::error::Error;

/// The lock of a publisher.
pub(super) const LOCK: &str = "lock";

/// The lock that is held while a pointer is compared and replaced.
pub(super) const SWAP_LOCK: &str = "swap-lock";

/// The wait between two attempts.
const RETRY: Duration = Duration::from_millis(5);

/// Acquires the lock `name`. Dropping the returned file releases it.
///
/// Tries repeatedly instead of blocking, because a thread that waits for a lock can be neither
/// cancelled nor dropped.
pub(super) async fn acquire(
    root: &Root,
    name: &'static str,
    context: &Context,
) -> Result<File, Error> {
    let attempts = async {
        loop {
            match root.limited(|root| try_acquire(root, name)).await? {
                Some(file) => return Ok(file),
                None => tokio::time::sleep(RETRY).await,
            }
        }
    };
    tokio::select! {
        biased;
        () = context.cancellation().cancelled() => Err(Error::Cancelled),
        lock = attempts => lock,
    }
}

fn try_acquire(root: &Root, name: &str) -> Result<Option<File>, Error> {
    let own = root.own()?;
    let file = own.lock_file(name).map_err(Error::at_target)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(Error::io("lock", own.path().join(name), source)),
    }
}
