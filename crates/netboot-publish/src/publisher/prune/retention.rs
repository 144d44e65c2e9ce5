//! The rule that says which releases pruning keeps.

use std::time::Duration;

/// Says which releases [`Publisher::prune`](crate::Publisher::prune) keeps.
///
/// ```
/// use std::time::Duration;
/// use netboot_publish::Retention;
///
/// let retention = Retention::default().with_keep_last(5).with_grace(Duration::from_secs(3600));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    pub(crate) keep_last: usize,
    pub(crate) grace: Duration,
    pub(crate) dry_run: bool,
}

impl Default for Retention {
    /// Keeps the last three releases, with a grace time of one day.
    fn default() -> Self {
        Self { keep_last: 3, grace: Duration::from_secs(24 * 60 * 60), dry_run: false }
    }
}

impl Retention {
    /// Sets how many different releases of each pointer's history are kept. The newest are kept,
    /// and the live release counts as one of them. Pruning always keeps the live release.
    #[must_use]
    pub fn with_keep_last(mut self, releases: usize) -> Self {
        self.keep_last = releases;
        self
    }

    /// Sets the grace time: how long a release is kept after it was last staged or live, and a blob
    /// after it was sent. It must be longer than the slowest boot and the slowest upload. If the
    /// store has no lock, only the grace time protects the work of other publishers. It does not
    /// protect an old blob without a release that another publisher needs again at the moment of
    /// its deletion. Without a lock, prune only while nobody publishes.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets whether pruning only reports what it would delete.
    #[must_use]
    pub fn with_dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }
}
