//! Records the output of builders while they run.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufWriter, Write};

use foreign_text::{CutMark, ForeignText};
use netboot_process::LastLines;
use tempfile::TempPath;

use crate::build_log::{LogDirectory, append, temporary_file};
use crate::classify::text::derivations;
use crate::error::Error;
use crate::internal_json::LogEvent;

/// The longest recorded log of a derivation, in bytes. Nix itself keeps the whole log.
const LOG_LIMIT: u64 = 8 << 20;

/// Records the builders of one realisation, each in its own file.
///
/// Nix tells only at the very end that the requested derivations were built. If the end is not
/// seen, for example because the work is cancelled, a log is kept as *unconfirmed*: either the
/// build succeeded, or Nix builds the derivation again and Netboot records a new log.
#[derive(Debug)]
pub(crate) struct Recorder {
    directory: LogDirectory,
    building: HashMap<u64, String>,
    logs: BTreeMap<String, DerivationLog>,
    failed: BTreeSet<String>,
    ended: Ended,
}

/// Tells which builder a message is about that does not name one.
#[derive(Debug, Default)]
struct Ended {
    last: Option<String>,
    /// The last builder whose end Nix counted as a failure.
    failed: Option<String>,
    failures: u64,
    /// Nix has counted a failure, and the end of its builder comes next.
    is_counted: bool,
}

#[derive(Debug)]
struct DerivationLog {
    path: TempPath,
    /// The number of bytes that were recorded.
    length: u64,
    /// The number of bytes that were not recorded, because the log was too long.
    dropped: u64,
    /// Open while a builder runs. A system has more derivations than a process may open files.
    file: Option<BufWriter<File>>,
    /// The number of activities that build it. A build on another machine has two.
    builders: u32,
    last: LastLines,
}

impl Recorder {
    pub(crate) fn new(directory: LogDirectory) -> Self {
        let (building, logs, failed) = (HashMap::new(), BTreeMap::new(), BTreeSet::new());
        Self { directory, building, logs, failed, ended: Ended::default() }
    }

    /// Records an event. Returns the derivation that printed the line, if the event is a line.
    pub(crate) fn record(&mut self, event: &LogEvent) -> Result<Option<&str>, Error> {
        match event {
            LogEvent::BuildStarted { activity, derivation } => {
                self.building.insert(*activity, derivation.clone());
                self.start(derivation)?;
                Ok(None)
            }
            LogEvent::BuildLine { activity, line } => {
                let Some(derivation) = self.building.get(activity) else { return Ok(None) };
                if let Some(log) = self.logs.get_mut(derivation) {
                    log.write(line)?;
                    log.last.push(line);
                }
                Ok(Some(derivation))
            }
            LogEvent::Stopped { activity } => {
                let Some(derivation) = self.building.remove(activity) else { return Ok(None) };
                if let Some(log) = self.logs.get_mut(&derivation) {
                    log.builders = log.builders.saturating_sub(1);
                    if log.builders == 0 {
                        log.close()?;
                    }
                }
                if std::mem::take(&mut self.ended.is_counted) {
                    self.ended.failed = Some(derivation.clone());
                }
                self.ended.last = Some(derivation);
                Ok(None)
            }
            LogEvent::Progress { failed, .. } if *failed > self.ended.failures => {
                self.ended.failures = *failed;
                self.ended.is_counted = true;
                Ok(None)
            }
            LogEvent::Error { message, .. } => {
                self.failed.extend(derivations(message).map(str::to_owned));
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn start(&mut self, derivation: &str) -> Result<(), Error> {
        if let Some(log) = self.logs.get_mut(derivation) {
            log.builders += 1;
            if log.file.is_none() {
                let file = File::options().append(true).open(&log.path);
                let file = file.map_err(|source| Error::io("write", &log.path, source))?;
                log.file = Some(BufWriter::new(file));
            }
            return Ok(());
        }
        let (file, path) = temporary_file(self.directory.path())?.into_parts();
        let file = Some(BufWriter::new(file));
        let (length, dropped, last) = (0, 0, LastLines::default());
        let log = DerivationLog { path, length, dropped, file, builders: 1, last };
        self.logs.insert(derivation.to_owned(), log);
        Ok(())
    }

    /// The derivation of a message that names none, such as Nix 2.34's messages about time limits:
    /// the last one that Nix counted as a failure, or else the last one that ended, or one that is
    /// being built.
    pub(crate) fn ended_last(&self) -> Option<&str> {
        let Ended { last, failed, .. } = &self.ended;
        let building = self.building.values().next();
        failed.as_ref().or(last.as_ref()).or(building).map(String::as_str)
    }

    /// The last lines that the builder of a derivation printed.
    pub(crate) fn last_lines(&self, derivation: &str) -> Vec<ForeignText> {
        self.logs.get(derivation).map(|log| log.last.to_vec()).unwrap_or_default()
    }

    /// Keeps the logs of successful builds, as confirmed logs if `is_sure`. Returns the logs of
    /// failed builds, in the form of [`LogDirectory::collect`].
    pub(crate) fn finish(mut self, is_sure: bool) -> Result<Vec<u8>, Error> {
        let mut of_failed = Vec::new();
        for (derivation, mut log) in std::mem::take(&mut self.logs) {
            log.close()?;
            if self.failed.contains(&derivation) {
                let text = std::fs::read(&log.path)
                    .map_err(|source| Error::io("read", &log.path, source))?;
                append(&mut of_failed, &derivation, &text);
            } else {
                self.directory.keep(&derivation, log.path, is_sure && log.builders == 0)?;
            }
        }
        Ok(of_failed)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        for (derivation, mut log) in std::mem::take(&mut self.logs) {
            if !self.failed.contains(&derivation) && log.close().is_ok() {
                // If a log cannot be kept, later build logs lack it. There is nothing else to do
                // here.
                let _ = self.directory.keep(&derivation, log.path, false);
            }
        }
    }
}

impl DerivationLog {
    fn write(&mut self, line: &ForeignText) -> Result<(), Error> {
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX).saturating_add(1);
        if self.dropped > 0 || self.length + length > LOG_LIMIT {
            self.dropped += length;
            return Ok(());
        }
        self.length += length;
        let Some(file) = &mut self.file else { return Ok(()) };
        writeln!(file, "{}", line.as_str()).map_err(|source| Error::io("write", &self.path, source))
    }

    fn close(&mut self) -> Result<(), Error> {
        let dropped = std::mem::take(&mut self.dropped);
        let flushed = self.file.take().map_or(Ok(()), |mut file| {
            if dropped > 0 {
                writeln!(file, "{} that only `nix log` has", CutMark(dropped))?;
            }
            file.flush()
        });
        flushed.map_err(|source| Error::io("write", &self.path, source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(recorder: &mut Recorder, activity: u64, derivation: &str, line: &str) {
        let (derivation, line) = (derivation.to_owned(), line.into());
        recorder.record(&LogEvent::BuildStarted { activity, derivation }).unwrap();
        recorder.record(&LogEvent::BuildLine { activity, line }).unwrap();
        recorder.record(&LogEvent::Stopped { activity }).unwrap();
    }

    fn collected(logs: &LogDirectory, derivation: &str) -> String {
        String::from_utf8(logs.collect([&derivation.to_owned()]).unwrap()).unwrap()
    }

    #[test]
    fn many_builders_need_few_open_files() {
        let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        let state = tempfile::tempdir().unwrap();
        let logs = LogDirectory::create(state.path()).unwrap();
        let mut recorder = Recorder::new(logs.clone());
        let before = open();
        for number in 0..2000 {
            built(&mut recorder, number, &format!("/s/{number}.drv"), "x");
        }
        assert!(open() < before + 200, "{} files are open", open());
        recorder.finish(true).unwrap();
        assert!(collected(&logs, "/s/1999.drv").ends_with("x\n"));
    }

    #[test]
    fn what_was_recorded_for_sure_stays_and_what_was_not_is_replaced() {
        let state = tempfile::tempdir().unwrap();
        let logs = LogDirectory::create(state.path()).unwrap();
        let derivation = "/s/a.drv";
        for (line, is_sure, expected) in [
            ("1", false, "1"),
            ("2", false, "2"),
            ("3", true, "3"),
            ("4", true, "3"),
            ("5", false, "3"),
        ] {
            let mut recorder = Recorder::new(logs.clone());
            built(&mut recorder, 1, derivation, line);
            if is_sure {
                recorder.finish(true).unwrap();
            } else {
                drop(recorder);
            }
            assert_eq!(collected(&logs, derivation), format!("\n--- {derivation}\n{expected}\n"));
        }
    }

    #[test]
    fn a_log_of_what_failed_is_not_kept() {
        let state = tempfile::tempdir().unwrap();
        let logs = LogDirectory::create(state.path()).unwrap();
        let mut recorder = Recorder::new(logs.clone());
        built(&mut recorder, 1, "/s/a.drv", "of a");
        let message = "builder for '/s/a.drv' failed with exit code 1".into();
        recorder.record(&LogEvent::Error { message, position: None }).unwrap();
        let derivation = "/s/b.drv".to_owned();
        recorder.record(&LogEvent::BuildStarted { activity: 2, derivation }).unwrap();
        let of_failed = String::from_utf8(recorder.finish(true).unwrap()).unwrap();
        assert_eq!(of_failed, "\n--- /s/a.drv\nof a\n");
        assert_eq!(collected(&logs, "/s/a.drv"), "");
        assert_eq!(collected(&logs, "/s/b.drv"), "\n--- /s/b.drv\n");
    }

    #[test]
    fn a_log_whose_end_was_not_seen_is_kept_until_there_is_another() {
        let state = tempfile::tempdir().unwrap();
        let logs = LogDirectory::create(state.path()).unwrap();
        let derivation = "/s/a.drv".to_owned();
        let mut recorder = Recorder::new(logs.clone());
        let started = LogEvent::BuildStarted { activity: 1, derivation: derivation.clone() };
        recorder.record(&started).unwrap();
        recorder.record(&LogEvent::BuildLine { activity: 1, line: "first".into() }).unwrap();
        drop(recorder);
        assert_eq!(collected(&logs, &derivation), "\n--- /s/a.drv\nfirst\n");
        let mut recorder = Recorder::new(logs.clone());
        built(&mut recorder, 1, &derivation, "second");
        recorder.finish(true).unwrap();
        assert_eq!(collected(&logs, &derivation), "\n--- /s/a.drv\nsecond\n");
    }

    #[test]
    fn a_derivation_that_two_activities_build_has_one_log() {
        let state = tempfile::tempdir().unwrap();
        let logs = LogDirectory::create(state.path()).unwrap();
        let mut recorder = Recorder::new(logs.clone());
        let derivation = "/s/a.drv".to_owned();
        recorder
            .record(&LogEvent::BuildStarted { activity: 1, derivation: derivation.clone() })
            .unwrap();
        built(&mut recorder, 2, &derivation, "one");
        recorder.record(&LogEvent::BuildLine { activity: 1, line: "two".into() }).unwrap();
        recorder.record(&LogEvent::Stopped { activity: 1 }).unwrap();
        recorder.finish(true).unwrap();
        assert_eq!(collected(&logs, &derivation), "\n--- /s/a.drv\none\ntwo\n");
    }
}
