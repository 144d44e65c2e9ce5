//! The progress of reading many objects.

use std::sync::{Mutex, PoisonError};

use netboot_core::{Context, Event, Phase, Unit};

/// The number of bytes between two reports.
const REPORT: u64 = 8 * 1024 * 1024;

/// Counts the bytes of several objects that are read at once, and reports them together.
#[derive(Debug)]
pub(crate) struct Meter {
    total: u64,
    /// The bytes that were read, and those of the last report.
    read: Mutex<(u64, u64)>,
    context: Context,
}

impl Meter {
    /// A meter for objects of `total` bytes.
    pub(crate) fn new(total: u64, context: &Context) -> Self {
        Self { total, read: Mutex::default(), context: context.clone() }
    }

    /// Counts bytes that were read.
    pub(crate) fn add(&self, bytes: u64) {
        // The lock is held while the event is emitted, so that events keep their order.
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let (done, reported) = (read.0.saturating_add(bytes), read.1);
        *read = (done, reported);
        if done - reported >= REPORT || reported > 0 && done == self.total {
            *read = (done, done);
            self.context.emit(Event::Progress {
                phase: Phase::Verifying,
                profile: None,
                subject: "files".to_owned(),
                done,
                total: Some(self.total.max(done)),
                unit: Unit::Bytes,
            });
        }
    }
}
