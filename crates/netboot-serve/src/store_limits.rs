//! The limits of a view's store.

use std::time::Duration;

/// The limits of the store of a [`StoreView`](crate::StoreView).
///
/// ```
/// use netboot_serve::StoreLimits;
///
/// let limits = StoreLimits { open_objects: 100, ..StoreLimits::default() };
/// assert!(StoreLimits::for_whole_fetches().open_objects < limits.open_objects);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers make it")]
pub struct StoreLimits {
    /// The maximum number of objects that are open at the same time: 2048 by default, the default
    /// maximum of connections. A large object is open until its client has read it. Further
    /// requests wait.
    pub open_objects: usize,
    /// The time from a request to the begin of its answer, with the wait for other objects: 60
    /// seconds by default. A request that takes longer is answered with 503.
    pub answer: Duration,
    /// The time for which an open object may give no bytes: 60 seconds by default. Then the
    /// connection breaks. The time in which the view waits for the client does not count.
    pub silence: Duration,
}

impl StoreLimits {
    /// Limits for a store that fetches a whole object before it gives the first byte, such as
    /// `RsyncStore`: at most 8 open objects, and 10 minutes to the begin of an answer.
    ///
    /// Each open object is a file in the temporary directory, which needs space for 8 of the
    /// largest. Machines wait for each other; serve a fleet from another store.
    pub fn for_whole_fetches() -> Self {
        Self { open_objects: 8, answer: Duration::from_secs(600), ..Self::default() }
    }
}

impl Default for StoreLimits {
    fn default() -> Self {
        let (answer, silence) = (Duration::from_secs(60), Duration::from_secs(60));
        Self { open_objects: 2048, answer, silence }
    }
}
