//! Reading the events of a job from their file, one at a time.

use std::io;
use std::path::Path;

use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, AsyncSeekExt, BufReader};

use crate::damage;

/// A reader at a position in the file of events.
#[derive(Debug)]
pub(crate) struct EventReader {
    file: BufReader<File>,
    position: u64,
}

impl EventReader {
    /// Reads from `position`, which is the beginning of an event, after skipping some events.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) async fn open(path: &Path, position: u64, skipped: usize) -> io::Result<Self> {
        let path = path.to_owned();
        let opened = tokio::task::spawn_blocking(move || damage::open_file(&path)).await;
        let mut file = File::from_std(opened.map_err(io::Error::other)??);
        file.seek(io::SeekFrom::Start(position)).await?;
        let mut reader = Self { file: BufReader::new(file), position };
        for _ in 0..skipped {
            reader.next(u64::MAX).await?;
        }
        Ok(reader)
    }

    /// The next event, as JSON on one line, if it ends before the position `end`. The length of an
    /// event is limited when it is written and when the file is opened.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) async fn next(&mut self, end: u64) -> io::Result<Option<String>> {
        if self.position >= end {
            return Ok(None);
        }
        let mut line = String::new();
        let read = self.file.read_line(&mut line).await?;
        self.position += u64::try_from(read).map_err(io::Error::other)?;
        line.truncate(line.trim_end().len());
        Ok((read > 0).then_some(line))
    }
}
