//! A file whose reading is reported.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::context::Context;
use crate::event::{Event, Phase, Unit};

/// The number of bytes between two reports.
const REPORT: u64 = 8 << 20;

/// A file that reports how far it was read, if it is large.
pub(super) struct WatchedFile {
    file: File,
    subject: String,
    total: u64,
    position: u64,
    reported: u64,
    phase: Phase,
    context: Context,
}

impl WatchedFile {
    /// Watches the reading of `file`, which lies at `path` and has `total` bytes, in a phase.
    pub(super) fn new(
        file: File,
        path: &Path,
        total: u64,
        (phase, context): (Phase, &Context),
    ) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str());
        let (subject, context) = (name.to_string_lossy().into_owned(), context.clone());
        Self { file, subject, total, position: 0, reported: 0, phase, context }
    }

    /// The file itself.
    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

impl Read for WatchedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.position += read as u64;
        // Some bytes are read twice.
        let new = self.position.saturating_sub(self.reported);
        let is_end = self.position == self.total && self.reported > 0 && new > 0;
        if new >= REPORT || is_end {
            self.reported = self.position;
            self.context.emit(Event::Progress {
                phase: self.phase,
                profile: None,
                subject: self.subject.clone(),
                done: self.position,
                total: Some(self.total.max(self.position)),
                unit: Unit::Bytes,
            });
        }
        Ok(read)
    }
}

impl Seek for WatchedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.file.seek(to)?;
        Ok(self.position)
    }
}
