//! The lock of a target.

use std::any::Any;
use std::fmt;

use netboot_core::CancellationToken;

use crate::error::Error;

/// The lock of a target; it ends when this is dropped.
///
/// A store puts whatever holds its lock into it: an open file, a lease, a connection. A lock that
/// can be lost while it is held, as a lease can that was not renewed in time, says so by a token:
/// publishers then end with [`Error::LockLost`] rather than do what needs the lock.
///
/// ```
/// use netboot_core::CancellationToken;
/// use netboot_publish::StoreLock;
///
/// let lost = CancellationToken::new();
/// let lock = StoreLock::new("a lease").with_loss(lost.clone());
/// assert!(!lock.is_lost());
/// lost.cancel(); // by whoever renews it
/// assert!(lock.is_lost());
/// ```
#[must_use = "the lock ends when this is dropped"]
pub struct StoreLock {
    guard: Option<Box<dyn Any + Send + Sync>>,
    lost: Option<CancellationToken>,
}

impl StoreLock {
    /// A lock that lasts as long as `guard`.
    pub fn new(guard: impl Any + Send + Sync) -> Self {
        Self { guard: Some(Box::new(guard)), lost: None }
    }

    /// What a store gives that has no lock: it excludes nobody.
    pub fn none() -> Self {
        Self { guard: None, lost: None }
    }

    /// The same, lost when `lost` is cancelled.
    pub fn with_loss(mut self, lost: CancellationToken) -> Self {
        self.lost = Some(lost);
        self
    }

    /// Whether another may hold the lock by now.
    pub fn is_lost(&self) -> bool {
        self.lost.as_ref().is_some_and(CancellationToken::is_cancelled)
    }

    /// Refuses to go on where the lock is lost.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.is_lost() { Err(Error::LockLost) } else { Ok(()) }
    }

    /// Does work that needs the lock, and stops in the midst of it where the lock is lost.
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
