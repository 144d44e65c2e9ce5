use std::any::Any;
use std::fmt;

/// The lock of a target; it ends when this is dropped.
///
/// A store puts whatever holds its lock into it: an open file, a lease, a connection.
#[must_use = "the lock ends when this is dropped"]
pub struct StoreLock(Option<Box<dyn Any + Send + Sync>>);

impl StoreLock {
    /// A lock that lasts as long as `guard`.
    pub fn new(guard: impl Any + Send + Sync) -> Self {
        Self(Some(Box::new(guard)))
    }

    /// What a store gives that has no lock: it excludes nobody.
    pub fn none() -> Self {
        Self(None)
    }
}

impl fmt::Debug for StoreLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreLock").field(&self.0.is_some()).finish()
    }
}
