//! The lock of a target.

use std::any::Any;
use std::fmt;

use netboot_core::CancellationToken;

use crate::error::Error;

/// The lock of a target. Dropping it releases the lock.
///
/// A store puts into it whatever holds the lock: an open file, a lease, a connection. Some locks
/// can be lost while they are held, for example a lease that is not renewed in time. Such a lock
/// cancels a token, and publishers then stop with [`Error::LockLost`].
///
/// ```
/// use netboot_core::CancellationToken;
/// use netboot_publish::StoreLock;
///
/// let lost = CancellationToken::new();
/// let lock = StoreLock::new("a lease").with_loss(lost.clone());
/// assert!(!lock.is_lost());
/// lost.cancel(); // by the task that renews the lease
/// assert!(lock.is_lost());
/// ```
#[must_use = "the lock ends when this is dropped"]
pub struct StoreLock {
    guard: Option<Box<dyn Any + Send + Sync>>,
    lost: Option<CancellationToken>,
}

impl StoreLock {
    /// A lock that is held until `guard` is dropped.
    pub fn new(guard: impl Any + Send + Sync) -> Self {
        Self { guard: Some(Box::new(guard)), lost: None }
    }

    /// The lock of a store that cannot lock. It keeps nobody out.
    pub fn none() -> Self {
        Self { guard: None, lost: None }
    }

    /// Makes the lock count as lost when `lost` is cancelled.
    pub fn with_loss(mut self, lost: CancellationToken) -> Self {
        self.lost = Some(lost);
        self
    }

    /// Returns true if another publisher may hold the lock now.
    pub fn is_lost(&self) -> bool {
        self.lost.as_ref().is_some_and(CancellationToken::is_cancelled)
    }

    /// Fails if the lock is lost.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.is_lost() { Err(Error::LockLost) } else { Ok(()) }
    }

    /// Does work that needs the lock, and stops it when the lock is lost.
    pub(crate) async fn during<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let Some(lost) = &self.lost else { return work.await };
        tokio::select! {
            biased;
            () = lost.cancelled() => Err(Error::LockLost),
            done = work => done,
        }
    }
}

impl fmt::Debug for StoreLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreLock").field(&self.guard.is_some()).finish()
    }
}
