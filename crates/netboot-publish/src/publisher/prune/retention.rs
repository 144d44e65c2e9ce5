//! Which releases pruning keeps.

use std::time::Duration;

/// Which releases [`Publisher::prune`](crate::Publisher::prune) keeps.
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
    /// The last three releases, a grace time of one day.
    fn default() -> Self {
        Self { keep_last: 3, grace: Duration::from_secs(24 * 60 * 60), dry_run: false }
    }
}

impl Retention {
    /// Sets how many different releases of each pointer's history are kept, the newest first and
    /// the live one among them. The live one is kept in any case.
    #[must_use]
    pub fn with_keep_last(mut self, releases: usize) -> Self {
        self.keep_last = releases;
        self
    }

    /// Sets for how long a release is kept after it was staged or live last, and a blob after it
    /// was sent. It has to be longer than the slowest machine boots and the slowest publisher
    /// sends; where the store has no lock, it is what keeps publishers from each other's work. It
    /// does not cover blobs that were sent long ago, are of no release any more, and are wanted
    /// again just while they are deleted: without a lock, prune while nobody publishes.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets whether the report only says what would be deleted.
    #[must_use]
    pub fn with_dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }
}
