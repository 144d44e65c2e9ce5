//! The repetition of failed requests.

use std::time::Duration;

/// The limits within which a failed request is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Retry {
    pub(super) attempts: usize,
    pub(super) total: Duration,
    pub(super) first: Duration,
    pub(super) longest: Duration,
}

impl Retry {
    /// The waits between attempts. Each is twice the previous one, up to the longest.
    pub(super) fn backoffs(self) -> impl Iterator<Item = Duration> {
        let next = move |wait: &Duration| Some((*wait * 2).min(self.longest));
        std::iter::successors(Some(self.first), next).take(self.attempts)
    }
}
