//! The file of reports: one JSON document per line, oldest first.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::report::{MachineId, Report};
use crate::start_error::StartError;

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) machine: MachineId,
    pub(super) report: Report,
}

/// The file, open for more lines. A line is in the file when [`append`](Self::append) returns, so
/// the end of this process loses none. An unfinished line is ignored when the file is read.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// The number of lines.
    pub(super) lines: usize,
}

impl Journal {
    /// Opens the file at `path`, and passes each of its lines to `each`.
    pub(super) fn open(path: &Path, mut each: impl FnMut(Line)) -> Result<Self, StartError> {
        let failed = |source| StartError::io("read", path, source);
        let mut options = OpenOptions::new();
        let file = options.create(true).read(true).append(true).open(path).map_err(failed)?;
        let mut lines = 0;
        for line in BufReader::new(&file).split(b'\n') {
            if let Ok(line) = serde_json::from_slice(&line.map_err(failed)?) {
                each(line);
            }
            lines += 1;
        }
        Ok(Self { path: path.to_owned(), file, lines })
    }

    /// Adds a line.
    pub(super) fn append(&mut self, line: &Line) -> io::Result<()> {
        // The newline comes first, because the last line may be unfinished.
        let mut text = b"\n".to_vec();
        serde_json::to_writer(&mut text, line)?;
        self.lines += 1;
        self.file.write_all(&text)
    }

    /// Lets a test write to another file.
    #[cfg(test)]
    pub(super) fn write_to(&mut self, path: &Path) {
        self.file = OpenOptions::new().append(true).open(path).unwrap();
    }

    /// Replaces the whole file.
    pub(super) fn rewrite(&mut self, kept: impl Iterator<Item = Line>) -> io::Result<()> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        let mut new = tempfile::Builder::new().prefix(".reports-").tempfile_in(directory)?;
        let mut lines = 0;
        for line in kept {
            new.write_all(b"\n")?;
            serde_json::to_writer(&mut new, &line)?;
            lines += 1;
        }
        new.as_file().sync_data()?;
        new.persist(&self.path)?;
        (self.file, self.lines) = (OpenOptions::new().append(true).open(&self.path)?, lines);
        Ok(())
    }
}
