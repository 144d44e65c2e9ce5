//! The events of a job: a numbered list in a file. An event is in the file before anybody can read
//! it. Readers read the file, so that long logs and many readers need little memory.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use netboot_core::{Event, Phase, ProfileName, counted};
use serde::{Deserialize, Serialize};
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;

use super::event_reader::EventReader;
use super::model::JobState;
use crate::damage;
use crate::timestamp::Timestamp;

/// The number of lines of program output that are kept for one job. The build's log has all lines.
const LINES: usize = 20_000;
/// The minimum time between two progress reports of one thing.
const PROGRESS_PAUSE: Duration = Duration::from_millis(250);
/// The maximum length of an event in the file, in bytes.
const LONGEST: usize = 256 * 1024;
/// The position of each event with a multiple of this number is known without reading the file.
const STEP: usize = 256;

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
    /// The positions of the events with the numbers 1, 1 + [`STEP`], and so on.
    positions: Mutex<Vec<u64>>,
    /// The number of lines of program output when the file was opened.
    lines: usize,
    extent: watch::Sender<Extent>,
}

/// The extent of a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The number of entries.
    pub(crate) count: usize,
    /// The length of the entries in the file, in bytes.
    pub(crate) length: u64,
    /// True if there will be no more entries.
    pub(crate) closed: bool,
}

impl EventLog {
    /// Reads a file of events once. The log of a finished job is `closed`. Anything behind the last
    /// whole event is set aside: the line that a killed service did not finish, or damage.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) async fn open(path: PathBuf, closed: bool) -> io::Result<Self> {
        let scan = move || Self::scan(path, closed);
        tokio::task::spawn_blocking(scan).await.map_err(io::Error::other)?
    }

    fn scan(path: PathBuf, closed: bool) -> io::Result<Self> {
        let mut extent = Extent { closed, ..Extent::default() };
        let (mut positions, mut lines) = (Vec::new(), 0);
        let file = match damage::open_file(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            file => Some(file?),
        };
        if let Some(file) = file {
            let (mut reader, mut line) = (BufReader::new(&file), Vec::new());
            let longest = u64::try_from(LONGEST).map_err(io::Error::other)?;
            loop {
                line.clear();
                if (&mut reader).take(longest).read_until(b'\n', &mut line)? == 0 {
                    break;
                }
                let entry = serde_json::from_slice::<LogEntry>(&line).ok();
                let entry = entry.filter(|entry| entry.id == extent.count + 1);
                let Some(entry) = entry.filter(|_| line.ends_with(b"\n")) else {
                    // If the disk is full, this log ends here, and no event can be added.
                    let _ = set_rest_aside(&file, &path, extent.length);
                    break;
                };
                lines +=
                    usize::from(matches!(&entry.what, JobEvent::Event(event) if is_line(event)));
                if extent.count.is_multiple_of(STEP) {
                    positions.push(extent.length);
                }
                extent.count += 1;
                extent.length += u64::try_from(line.len()).map_err(io::Error::other)?;
            }
        }
        let (positions, extent) = (Mutex::new(positions), watch::Sender::new(extent));
        Ok(Self { path, positions, lines, extent })
    }

    /// Returns a reader of the events after the event with this number.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) async fn reader(&self, after: usize) -> io::Result<EventReader> {
        let step = after / STEP;
        let position = self.positions().get(step).copied();
        let (position, skipped) = position.map_or_else(
            || (self.extent.borrow().length, 0),
            |position| (position, after - step * STEP),
        );
        EventReader::open(&self.path, position, skipped).await
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
    /// If the file cannot be written, or has damaged events that cannot be set aside.
    pub(super) async fn writer(self: &Arc<Self>) -> io::Result<EventWriter> {
        let file = OpenOptions::new().create(true).append(true).open(&self.path).await?;
        if file.metadata().await?.len() != self.extent.borrow().length {
            let problem = "the file has damaged events that cannot be set aside";
            return Err(io::Error::new(ErrorKind::InvalidData, problem));
        }
        Ok(EventWriter { log: self.clone(), file, lines: self.lines, told: HashMap::new() })
    }

    fn positions(&self) -> MutexGuard<'_, Vec<u64>> {
        self.positions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Moves what is behind `length` to a file of its own.
fn set_rest_aside(mut file: &std::fs::File, path: &Path, length: u64) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut rest = tempfile::Builder::new().prefix(".new-").tempfile_in(directory)?;
    file.seek(SeekFrom::Start(length))?;
    io::copy(&mut file, &mut rest)?;
    rest.as_file().sync_all()?;
    rest.persist_noclobber(damage::name_aside(path)?)?;
    std::fs::OpenOptions::new().write(true).open(path)?.set_len(length)
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
        let extent = *self.log.extent.borrow();
        let mut entry = LogEntry { id: extent.count + 1, at: Timestamp::now(), what };
        let mut line = serde_json::to_vec(&entry)?;
        if line.len() >= LONGEST {
            let size = counted(line.len(), "byte");
            let message = format!("an event of {size} is too long to be kept here");
            let hint = Some("read it in the build's log".to_owned());
            entry.what = JobEvent::Event(Event::Warning { profile: None, message, hint });
            line = serde_json::to_vec(&entry)?;
        }
        line.push(b'\n');
        self.file.write_all(&line).await?;
        self.file.flush().await?;
        if extent.count.is_multiple_of(STEP) {
            self.log.positions().push(extent.length);
        }
        let length = extent.length + u64::try_from(line.len()).map_err(io::Error::other)?;
        self.log.extent.send_modify(|extent| (extent.count, extent.length) = (entry.id, length));
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

    /// The numbers of the events after an event.
    async fn ids(log: &EventLog, after: usize) -> Vec<usize> {
        let (mut reader, extent) = (log.reader(after).await.unwrap(), *log.watch().borrow());
        let mut ids = Vec::new();
        while let Some(line) = reader.next(extent.length).await.unwrap() {
            ids.push(serde_json::from_str::<LogEntry>(&line).unwrap().id);
        }
        ids
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
        assert_eq!(ids(&log, 1).await, [2, 3]);
        assert_eq!(ids(&*open(&path).await, 0).await, [1, 2, 3]);
        assert!(ids(&log, 3).await.is_empty() && ids(&log, 99).await.is_empty());
        let aside = std::fs::read(directory.path().join("1.events.damaged-1")).unwrap();
        assert_eq!(aside, br#"{"id":3,"at":"20"#);
    }

    #[tokio::test]
    async fn damage_in_the_middle_ends_the_log_and_what_follows_is_set_aside() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("1.events");
        let mut writer = open(&path).await.writer().await.unwrap();
        for number in 1..=4 {
            writer.write(line(number)).await.unwrap();
        }
        let good = std::fs::read_to_string(&path).unwrap();
        let swapped: Vec<&str> = good.split_inclusive('\n').collect();
        let endless = vec![b'x'; LONGEST + 10];
        for (number, rest) in [b"\0\0\0\n".to_vec(), endless, swapped[3].into(), b"\xff\n".to_vec()]
            .iter()
            .enumerate()
        {
            let damaged = [swapped[..2].concat().as_bytes(), rest, swapped[3].as_bytes()].concat();
            std::fs::write(&path, damaged).unwrap();
            let log = open(&path).await;
            assert_eq!(ids(&log, 0).await, [1, 2]);
            let name = format!("1.events.damaged-{}", number + 1);
            let aside = std::fs::read(directory.path().join(name)).unwrap();
            assert!(aside == [rest, swapped[3].as_bytes()].concat());
            log.writer().await.unwrap().write(line(3)).await.unwrap();
            assert_eq!(ids(&*open(&path).await, 1).await, [2, 3]);
        }
    }

    #[tokio::test]
    async fn a_chatty_builder_fills_no_disk() {
        let directory = tempfile::tempdir().unwrap();
        let log = open(&directory.path().join("1.events")).await;
        let mut writer = log.writer().await.unwrap();
        for number in 0..LINES + 500 {
            writer.write(line(number)).await.unwrap();
        }
        let oversized = Event::Warning { profile: None, message: "x".repeat(LONGEST), hint: None };
        writer.write(JobEvent::Event(oversized)).await.unwrap();
        writer.write(JobEvent::State { state: JobState::Succeeded }).await.unwrap();
        assert_eq!(log.watch().borrow().count, LINES + 2);
        for after in [0, 1, STEP - 1, STEP, STEP + 1, LINES - 1, LINES, LINES + 2] {
            let expected: Vec<usize> = (after + 1..=LINES + 2).collect();
            assert_eq!(ids(&log, after).await, expected);
        }
        let text = std::fs::read_to_string(directory.path().join("1.events")).unwrap();
        assert!(text.lines().all(|line| line.len() < 1000));
        assert_eq!(text.matches("too much program output").count(), 1);
        assert_eq!(text.matches("is too long to be kept here").count(), 1);
    }
}
