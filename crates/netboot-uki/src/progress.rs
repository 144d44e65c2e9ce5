//! Reports of the bytes of a new program that are written.

use std::path::Path;

use netboot_core::{Context, Event, Phase, Unit};

/// The number of bytes between two reports.
const REPORT: u64 = 8 * 1024 * 1024;

/// The progress of writing one file. Small files report nothing.
pub(crate) struct Progress<'a> {
    context: &'a Context,
    subject: String,
    done: u64,
    total: u64,
}

impl<'a> Progress<'a> {
    /// Begins a file of `total` bytes. Reports show the name of the file at `path`.
    pub(crate) fn new(path: &Path, total: u64, context: &'a Context) -> Self {
        let subject = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { context, subject, done: 0, total }
    }

    /// Counts bytes that were written.
    pub(crate) fn add(&mut self, count: usize) {
        let old = self.done;
        self.done += count as u64;
        if old / REPORT != self.done / REPORT {
            self.context.emit(Event::Progress {
                phase: Phase::Realising,
                profile: None,
                subject: self.subject.clone(),
                done: self.done,
                total: Some(self.total),
                unit: Unit::Bytes,
            });
        }
    }
}
