//! The file of reports: one JSON document per line, in the order in which they arrived.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::report::{MachineId, Report};
use crate::damage;

/// The maximum length of a line, in bytes. A report has a few hundred.
const LONGEST: u64 = 64 * 1024;

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) machine: MachineId,
    pub(super) report: Report,
}

/// The file. A line is in the file when [`append`](Self::append) returns, so the end of this
/// process loses none.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    /// The file, open for more lines; `None` before the first line.
    file: Option<File>,
    /// The number of lines.
    pub(super) lines: usize,
    /// True if the file has lines that could not be read. Rewriting keeps the old file under
    /// another name then.
    pub(super) is_damaged: bool,
}

impl Journal {
    /// Reads the file at `path`, and passes each of its lines to `each`. A file that does not exist
    /// has no lines. Changes nothing on the disk.
    ///
    /// # Errors
    /// If the file cannot be read to its end. The journal then has the lines before that, and the
    /// file counts as damaged.
    pub(super) fn open(path: &Path, each: impl FnMut(Line)) -> (Self, io::Result<()>) {
        let mut journal = Self { path: path.to_owned(), file: None, lines: 0, is_damaged: false };
        let read = match damage::open_file(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            file => file.and_then(|file| journal.read(file, each)),
        };
        journal.is_damaged |= read.is_err();
        (journal, read)
    }

    fn read(&mut self, file: File, mut each: impl FnMut(Line)) -> io::Result<()> {
        let (mut reader, mut line) = (BufReader::new(file), Vec::new());
        loop {
            line.clear();
            if (&mut reader).take(LONGEST).read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            match line.trim_ascii() {
                [] => {}
                text => match damage::parse(text) {
                    Ok(line) => each(line),
                    Err(_) => self.is_damaged = true,
                },
            }
            self.lines += 1;
        }
    }

    /// Adds a line.
    pub(super) fn append(&mut self, line: &Line) -> io::Result<()> {
        // The newline comes first, because the last line may be unfinished.
        let mut text = b"\n".to_vec();
        serde_json::to_writer(&mut text, line)?;
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(open_for_append(&self.path)?),
        };
        self.lines += 1;
        let written = file.write_all(&text);
        if written.is_err() {
            // The directory may be another one by then, for example after a mount.
            self.file = None;
        }
        written
    }

    /// Lets a test write to another file.
    #[cfg(test)]
    pub(super) fn write_to(&mut self, path: &Path) {
        self.file = Some(OpenOptions::new().append(true).open(path).unwrap());
    }

    /// Replaces the whole file. A damaged file is kept under another name.
    pub(super) fn rewrite(&mut self, kept: impl Iterator<Item = Line>) -> io::Result<()> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(directory)?;
        let mut new = tempfile::Builder::new().prefix(".reports-").tempfile_in(directory)?;
        let mut lines = 0;
        for line in kept {
            new.write_all(b"\n")?;
            serde_json::to_writer(&mut new, &line)?;
            lines += 1;
        }
        new.as_file().sync_data()?;
        if self.is_damaged {
            // There is a file at `path` at every moment.
            match fs::hard_link(&self.path, damage::name_aside(&self.path)?) {
                Ok(()) => {}
                // A directory has no second name, and a file system may have no links.
                Err(_) => damage::set_aside(&self.path)?,
            }
        }
        new.persist(&self.path)?;
        self.is_damaged = false;
        (self.file, self.lines) = (Some(open_for_append(&self.path)?), lines);
        Ok(())
    }
}

fn open_for_append(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}
