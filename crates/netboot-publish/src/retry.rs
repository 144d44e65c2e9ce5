//! The repetition of failed requests.

use std::time::Duration;

/// The limits within which a failed request is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retry {
    pub(crate) attempts: usize,
    pub(crate) total: Duration,
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
}

impl Retry {
    /// The waits between attempts. Each is twice the previous one, up to the longest.
    pub(crate) fn backoffs(self) -> impl Iterator<Item = Duration> {
        let next = move |wait: &Duration| Some((*wait * 2).min(self.longest));
        std::iter::successors(Some(self.first), next).take(self.attempts)
    }
}
