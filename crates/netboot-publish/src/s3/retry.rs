//! How often requests are tried again.

use std::time::Duration;

/// How often and for how long what failed is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Retry {
    pub(super) attempts: usize,
    pub(super) total: Duration,
    pub(super) first: Duration,
    pub(super) longest: Duration,
}

impl Retry {
    /// The waits between attempts, each twice the one before.
    pub(super) fn backoffs(self) -> impl Iterator<Item = Duration> {
        let next = move |wait: &Duration| Some((*wait * 2).min(self.longest));
        std::iter::successors(Some(self.first), next).take(self.attempts)
    }
}
