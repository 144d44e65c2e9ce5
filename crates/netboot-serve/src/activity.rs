//! The activity of a connection, so that only idle ones are closed for others.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::time::Instant;

/// The activity of one connection.
#[derive(Debug)]
pub(crate) struct Activity {
    begin: Instant,
    /// The time of the last request's start or end, in milliseconds after `begin`.
    used: AtomicU64,
    /// True from the head of a request to the end of its response.
    in_request: AtomicBool,
    /// True if the client has not taken everything that was written.
    unsent: AtomicBool,
    /// True if bytes have arrived that belong to no request yet.
    incomplete: AtomicBool,
}

impl Activity {
    pub(crate) fn new() -> Self {
        let (used, in_request) = Default::default();
        let (unsent, incomplete) = Default::default();
        Self { begin: Instant::now(), used, in_request, unsent, incomplete }
    }

    /// The time at which it became idle; `None` if it is not.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        let is_active =
            self.in_request.load(Ordering::SeqCst) || self.unsent.load(Ordering::SeqCst);
        let used = std::time::Duration::from_millis(self.used.load(Ordering::SeqCst));
        (!is_active).then(|| self.begin + used)
    }

    /// Records the start or the end of a request.
    pub(crate) fn set_in_request(&self, in_request: bool) {
        let now = u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.used.store(now, Ordering::SeqCst);
        self.in_request.store(in_request, Ordering::SeqCst);
        self.incomplete.store(false, Ordering::SeqCst);
    }

    /// Records that bytes are waiting for the client, or not any more.
    pub(crate) fn set_unsent(&self, unsent: bool) {
        self.unsent.store(unsent, Ordering::SeqCst);
    }

    /// Records that bytes have arrived.
    pub(crate) fn received(&self) {
        self.incomplete.store(true, Ordering::SeqCst);
    }

    /// Returns true if a part of a request has arrived.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.incomplete.load(Ordering::SeqCst)
    }
}
