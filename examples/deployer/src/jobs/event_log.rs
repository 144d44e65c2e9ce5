//! The events of a job: a numbered list. An event is on the disk before anybody can read it.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use netboot_core::{Event, Phase, ProfileName};
use serde::{Deserialize, Serialize};
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;

use super::model::JobState;
use crate::timestamp::Timestamp;

/// The number of lines of program output that are kept for one job. The build's log has all lines.
const LINES: usize = 20_000;
/// The minimum time between two progress reports of one thing.
const PROGRESS_PAUSE: Duration = Duration::from_millis(250);

/// Something that happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum JobEvent {
    /// The job's state has changed.
    State {
        /// The new state.
        state: JobState,
    },
    /// A report of the library.
    Event(Event),
}

/// An event with its number and its time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LogEntry {
    /// The number of the event: from 1, without gaps.
    pub(crate) id: usize,
    /// The time of the event.
    pub(crate) at: Timestamp,
    /// The event.
    #[serde(flatten)]
    pub(crate) what: JobEvent,
}

/// The events of one job.
#[derive(Debug)]
pub(crate) struct EventLog {
    path: PathBuf,
    entries: Mutex<Vec<Arc<LogEntry>>>,
    extent: watch::Sender<Extent>,
}

/// The extent of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The number of entries.
    pub(crate) count: usize,
    /// True if there will be no more entries.
    pub(crate) closed: bool,
}

impl EventLog {
    /// Reads the events in a file. An unfinished last line of a killed service is ignored. The log
    /// of a finished job is `closed`.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) async fn open(path: PathBuf, closed: bool) -> io::Result<Self> {
        let (entries, _) = read(&path).await?;
        let extent = watch::Sender::new(Extent { count: entries.len(), closed });
        Ok(Self { path, entries: Mutex::new(entries), extent })
    }

    /// The events after the event with this number.
    pub(crate) fn after(&self, id: usize) -> Vec<Arc<LogEntry>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(id..).map(<[_]>::to_vec).unwrap_or_default()
    }

    /// Returns a receiver that changes with each new event, and at the end.
    pub(crate) fn watch(&self) -> watch::Receiver<Extent> {
        self.extent.subscribe()
    }

    /// Ends the streams of this log: no more events will be written.
    pub(super) fn close(&self) {
        self.extent.send_modify(|extent| extent.closed = true);
    }

    /// Returns a writer that appends to the existing events.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) async fn writer(self: &Arc<Self>) -> io::Result<EventWriter> {
        let (entries, length) = read(&self.path).await?;
        let file = OpenOptions::new().create(true).append(true).open(&self.path).await?;
        file.set_len(length).await?;
        let is_log =
            |entry: &Arc<LogEntry>| matches!(&entry.what, JobEvent::Event(event) if is_line(event));
        let lines = entries.iter().filter(|entry| is_log(entry)).count();
        Ok(EventWriter { log: self.clone(), file, lines, told: HashMap::new() })
    }
}

/// The entries of a file, and the position at which the last whole entry ends.
async fn read(path: &Path) -> io::Result<(Vec<Arc<LogEntry>>, u64)> {
    let bytes = match tokio::fs::read(path).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        bytes => bytes?,
    };
    let (mut entries, mut length) = (Vec::new(), 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match serde_json::from_slice(line) {
            Ok(entry) if line.ends_with(b"\n") => entries.push(Arc::new(entry)),
            _ => break,
        }
        length += line.len();
    }
    Ok((entries, u64::try_from(length).map_err(io::Error::other)?))
}

/// Returns true for a line of a program's output, of which there may be very many.
fn is_line(event: &Event) -> bool {
    match event {
        Event::Log { .. } => true,
        Event::AtSite { event, .. } => is_line(event),
        _ => false,
    }
}

/// The thing that a progress report is about.
type Subject = (Phase, Option<ProfileName>, String);

/// Writes the events of a running job.
#[derive(Debug)]
pub(super) struct EventWriter {
    log: Arc<EventLog>,
    file: File,
    lines: usize,
    told: HashMap<Subject, Instant>,
}

impl EventWriter {
    /// Writes an event, unless there are too many of its kind.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) async fn write(&mut self, what: JobEvent) -> io::Result<()> {
        if let JobEvent::Event(event) = &what {
            if self.comes_too_soon(event) {
                return Ok(());
            }
            if is_line(event) {
                self.lines += 1;
                if self.lines == LINES {
                    let message = "too much program output: the rest is not kept here".to_owned();
                    let hint = Some("read the rest in the build's log".to_owned());
                    let warning = Event::Warning { profile: None, message, hint };
                    return self.append(JobEvent::Event(warning)).await;
                }
                if self.lines > LINES {
                    return Ok(());
                }
            }
        }
        self.append(what).await
    }

    async fn append(&mut self, what: JobEvent) -> io::Result<()> {
        let id = self.log.extent.borrow().count + 1;
        let entry = LogEntry { id, at: Timestamp::now(), what };
        let mut line = serde_json::to_vec(&entry)?;
        line.push(b'\n');
        self.file.write_all(&line).await?;
        self.file.flush().await?;
        let mut entries = self.log.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push(Arc::new(entry));
        drop(entries);
        self.log.extent.send_modify(|extent| extent.count = id);
        Ok(())
    }

    /// Returns true if the same thing has just reported its progress, and has not finished.
    fn comes_too_soon(&mut self, event: &Event) -> bool {
        match event {
            Event::AtSite { event, .. } => self.comes_too_soon(event),
            Event::Progress { phase, profile, subject, done, total, .. } => {
                let subject = (*phase, profile.clone(), subject.clone());
                let now = Instant::now();
                let soon = self.told.get(&subject).is_some_and(|at| now - *at < PROGRESS_PAUSE);
                if *total == Some(*done) {
                    self.told.remove(&subject);
                    return false;
                }
                if !soon {
                    self.told.insert(subject, now);
                }
                soon
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize) -> JobEvent {
        let (origin, line) = ("builder".to_owned(), number.to_string());
        JobEvent::Event(Event::Log { profile: None, origin, line })
    }

    async fn open(path: &Path) -> Arc<EventLog> {
        Arc::new(EventLog::open(path.to_owned(), false).await.unwrap())
    }

    #[tokio::test]
    async fn numbers_go_on_behind_a_line_that_was_not_finished() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("1.events");
        let mut writer = open(&path).await.writer().await.unwrap();
        writer.write(JobEvent::State { state: JobState::Running }).await.unwrap();
        writer.write(line(2)).await.unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend_from_slice(br#"{"id":3,"at":"20"#);
        std::fs::write(&path, bytes).unwrap();

        let log = open(&path).await;
        let mut watch = log.watch();
        let mut writer = log.writer().await.unwrap();
        writer.write(line(3)).await.unwrap();
        watch.changed().await.unwrap();
        let ids = |entries: Vec<Arc<LogEntry>>| -> Vec<usize> {
            entries.iter().map(|entry| entry.id).collect()
        };
        assert_eq!(ids(log.after(1)), [2, 3]);
        assert_eq!(ids(open(&path).await.after(0)), [1, 2, 3]);
        assert!(log.after(3).is_empty() && log.after(99).is_empty());
    }

    #[tokio::test]
    async fn a_chatty_builder_fills_no_disk() {
        let directory = tempfile::tempdir().unwrap();
        let log = open(&directory.path().join("1.events")).await;
        let mut writer = log.writer().await.unwrap();
        for number in 0..LINES + 500 {
            writer.write(line(number)).await.unwrap();
        }
        writer.write(JobEvent::State { state: JobState::Succeeded }).await.unwrap();
        let entries = log.after(0);
        assert_eq!(entries.len(), LINES + 1);
        let told = entries
            .iter()
            .filter(|entry| matches!(entry.what, JobEvent::Event(Event::Warning { .. })));
        assert_eq!(told.count(), 1);
    }
}
