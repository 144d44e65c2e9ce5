//! Follows a realisation: records what builders print, and reports how far it is.

use std::collections::BTreeMap;

use netboot_core::{Context, Event, Phase, ProfileName, Unit};

use crate::Error;
use crate::internal_json::LogEvent;
use crate::process::Runner;
use crate::recorder::Recorder;
use crate::said::Said;

/// How many more bytes a download has to have before it is reported again.
const PROGRESS_STEP: u64 = 1024 * 1024;

/// What was reported last of each subject: done and total.
pub(crate) type Reported = BTreeMap<String, (u64, u64)>;

/// Takes in the lines of a realisation's log.
pub(crate) struct Watch<'a> {
    runner: &'a Runner,
    pub(crate) recorder: Recorder,
    profile: &'a ProfileName,
    context: &'a Context,
    pub(crate) said: Said,
    pub(crate) write_error: Option<Error>,
    builds: Option<u64>,
    copies: BTreeMap<u64, String>,
    reported: &'a mut Reported,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(
        runner: &'a Runner,
        recorder: Recorder,
        profile: &'a ProfileName,
        context: &'a Context,
        reported: &'a mut Reported,
    ) -> Self {
        Self {
            runner,
            recorder,
            profile,
            context,
            said: Said::default(),
            write_error: None,
            builds: None,
            copies: BTreeMap::new(),
            reported,
        }
    }

    pub(crate) fn line(&mut self, line: &str) {
        let Some(event) = self.runner.read_line(line) else { return };
        match self.recorder.record(&event) {
            Ok(Some(derivation)) => {
                if let LogEvent::BuildLine { line, .. } = &event {
                    let origin = name_in_store(derivation).to_owned();
                    let profile = Some(self.profile.clone());
                    self.context.emit(Event::Log { profile, origin, line: line.clone() });
                }
            }
            Ok(None) => {}
            Err(error) => self.write_error = Some(error),
        }
        self.said.take_in(&event);
        match event {
            LogEvent::BuildsStarted { activity } => self.builds = Some(activity),
            LogEvent::CopyStarted { activity, path } => {
                self.copies.insert(activity, path);
            }
            LogEvent::Progress { activity, done, expected, .. } => {
                if self.builds == Some(activity) {
                    self.report("derivations".to_owned(), done, expected, Unit::Items);
                } else if let Some(path) = self.copies.get(&activity) {
                    self.report(name_in_store(path).to_owned(), done, expected, Unit::Bytes);
                }
            }
            _ => {}
        }
    }

    /// Reports progress: never backwards, and bytes not too often.
    fn report(&mut self, subject: String, done: u64, total: u64, unit: Unit) {
        let (last_done, last_total) = self.reported.get(&subject).copied().unwrap_or_default();
        let (done, total) = (done.max(last_done), total.max(last_total).max(done));
        let is_step = match unit {
            Unit::Bytes => done == total || done - last_done >= PROGRESS_STEP,
            _ => true,
        };
        if total == 0 || !is_step || (done, total) == (last_done, last_total) {
            return;
        }
        self.reported.insert(subject.clone(), (done, total));
        self.context.emit(Event::Progress {
            phase: Phase::Realising,
            profile: Some(self.profile.clone()),
            subject,
            done,
            total: Some(total),
            unit,
        });
    }
}

/// The name in a store path: what stands behind the hash.
fn name_in_store(path: &str) -> &str {
    let base = path.rsplit('/').next().unwrap_or(path);
    base.split_once('-').map_or(base, |(_, name)| name).trim_end_matches(".drv")
}
