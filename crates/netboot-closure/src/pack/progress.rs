//! The progress of packing, and its cancellation.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::Error;

/// The progress of packing, in bytes of archives before compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PackProgress {
    /// The bytes that are packed, or were in the cache.
    pub done_bytes: u64,
    /// The bytes of the whole closure.
    pub total_bytes: u64,
}

/// Counts progress for all threads, and tells them to stop.
pub(crate) struct Watch<'a> {
    report: &'a (dyn Fn(PackProgress) -> ControlFlow<()> + Sync),
    done: AtomicU64,
    total: u64,
    stopped: AtomicBool,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(
        report: &'a (dyn Fn(PackProgress) -> ControlFlow<()> + Sync),
        total: u64,
    ) -> Self {
        Self { report, done: AtomicU64::new(0), total, stopped: AtomicBool::new(false) }
    }

    /// Counts more bytes. Fails if the work should stop.
    pub(crate) fn advance(&self, bytes: u64) -> Result<(), Error> {
        let done_bytes = self.done.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        let progress = PackProgress { done_bytes, total_bytes: self.total };
        if self.stopped.load(Ordering::Relaxed) || (self.report)(progress).is_break() {
            self.stop_others();
            return Err(Error::Cancelled);
        }
        Ok(())
    }

    pub(crate) fn stop_others(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("done", &self.done).finish_non_exhaustive()
    }
}
