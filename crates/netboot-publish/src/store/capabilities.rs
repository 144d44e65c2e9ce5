//! What a store can do besides keeping objects.

use serde::{Deserialize, Serialize};

/// What a [`Store`](crate::Store) can do besides keeping objects.
///
/// ```
/// use netboot_publish::Capabilities;
///
/// let bucket = Capabilities::none().with_compare_and_swap(true);
/// assert!(bucket.compare_and_swap() && !bucket.links());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    compare_and_swap: bool,
    links: bool,
    lock: bool,
}

impl Capabilities {
    /// None of them.
    pub fn none() -> Self {
        Self { compare_and_swap: false, links: false, lock: false }
    }

    /// All of them.
    pub fn all() -> Self {
        Self { compare_and_swap: true, links: true, lock: true }
    }

    /// Sets whether `swap` succeeds only on the version that was expected.
    #[must_use]
    pub fn with_compare_and_swap(mut self, able: bool) -> Self {
        self.compare_and_swap = able;
        self
    }

    /// Sets whether there are symbolic links.
    #[must_use]
    pub fn with_links(mut self, able: bool) -> Self {
        self.links = able;
        self
    }

    /// Sets whether the lock excludes other publishers.
    #[must_use]
    pub fn with_lock(mut self, able: bool) -> Self {
        self.lock = able;
        self
    }

    /// Whether `swap` succeeds only on the version that was expected. Without it, of two who
    /// publish at once the last one wins, and the receipt says that the order is not guarded.
    pub fn compare_and_swap(self) -> bool {
        self.compare_and_swap
    }

    /// Whether there are symbolic links, which the old layout needs.
    pub fn links(self) -> bool {
        self.links
    }

    /// Whether the lock excludes other publishers. Without it, only the grace time of a
    /// [`Retention`](crate::Retention) keeps pruning from what another is staging, and not from old
    /// blobs that it wants again: prune such a target while nobody publishes.
    pub fn lock(self) -> bool {
        self.lock
    }
}
