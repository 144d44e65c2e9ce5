//! The optional abilities of a store.

use serde::{Deserialize, Serialize};

/// The optional abilities of a [`Store`](crate::Store).
///
/// ```
/// use netboot_publish::Capabilities;
///
/// let bucket = Capabilities::none().with_compare_and_swap(true);
/// assert!(bucket.compare_and_swap() && !bucket.links());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "a store has each ability or not")]
pub struct Capabilities {
    compare_and_swap: bool,
    links: bool,
    lock: bool,
    partial_reads: bool,
}

impl Capabilities {
    /// No capabilities.
    pub fn none() -> Self {
        Self { compare_and_swap: false, links: false, lock: false, partial_reads: false }
    }

    /// All capabilities.
    pub fn all() -> Self {
        Self { compare_and_swap: true, links: true, lock: true, partial_reads: true }
    }

    /// Sets whether `swap` succeeds only on the expected version.
    #[must_use]
    pub fn with_compare_and_swap(mut self, able: bool) -> Self {
        self.compare_and_swap = able;
        self
    }

    /// Sets whether the store has symbolic links.
    #[must_use]
    pub fn with_links(mut self, able: bool) -> Self {
        self.links = able;
        self
    }

    /// Sets whether the lock keeps other publishers out.
    #[must_use]
    pub fn with_lock(mut self, able: bool) -> Self {
        self.lock = able;
        self
    }

    /// Sets whether the store reads a part of an object without fetching the rest.
    #[must_use]
    pub fn with_partial_reads(mut self, able: bool) -> Self {
        self.partial_reads = able;
        self
    }

    /// Returns true if `swap` succeeds only on the expected version. Without this capability, the
    /// last of two simultaneous publishers wins, and the receipt says that the order is not
    /// guarded.
    pub fn compare_and_swap(self) -> bool {
        self.compare_and_swap
    }

    /// Returns true if the store has symbolic links, which the old layout needs.
    pub fn links(self) -> bool {
        self.links
    }

    /// Returns true if the lock keeps other publishers out. Without this capability, only the grace
    /// time of a [`Retention`](crate::Retention) protects a release that is being staged, and
    /// nothing protects old blobs that it uses again. Prune such a target only while nobody
    /// publishes to it.
    pub fn lock(self) -> bool {
        self.lock
    }
    /// Returns true if the store gives the first bytes of an object, or a part of it, without
    /// fetching the rest. Without this capability, each call of `open` or `open_range` costs the
    /// transfer of the whole object and space for it on this machine's disk.
    pub fn partial_reads(self) -> bool {
        self.partial_reads
    }
}
