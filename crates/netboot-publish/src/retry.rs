//! The repetition of failed requests.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};

/// The maximum wait for a `Retry-After`.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The limits within which a failed request is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retry {
    pub(crate) attempts: usize,
    pub(crate) total: Duration,
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 8,
            total: Duration::from_secs(180),
            first: Duration::from_millis(100),
            longest: Duration::from_secs(10),
        }
    }
}

impl Retry {
    /// The waits between attempts. Each is twice the previous one, up to the longest.
    pub(crate) fn backoffs(self) -> impl Iterator<Item = Duration> {
        let next = move |wait: &Duration| Some((*wait * 2).min(self.longest));
        std::iter::successors(Some(self.first), next).take(self.attempts)
    }
}

/// The seconds of `Retry-After` (RFC 9110, section 10.2.3), at most a minute. `None` for a date:
/// the usual back-off is enough.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}
