//! Reports the progress of Nix, never backwards and not too often.

use std::collections::BTreeMap;

use netboot_core::{Context, Event, Phase, ProfileName, Unit};

use crate::internal_json::LogEvent;

/// The number of bytes between two reports of a download. Nix itself reports every 64 KiB.
const STEP: u64 = 1024 * 1024;

/// The subject of all copies of a realisation together.
const DOWNLOADS: &str = "downloads";

/// The last report of each subject: done and total.
pub(crate) type Reported = BTreeMap<String, (u64, u64)>;

/// Reports the progress in a program's log.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    phase: Phase,
    profile: Option<&'a ProfileName>,
    context: &'a Context,
    builds: Option<u64>,
    transfers: BTreeMap<u64, String>,
    /// The progress of each copied store path.
    copies: BTreeMap<u64, (u64, u64)>,
    reported: &'a mut Reported,
}

impl<'a> Progress<'a> {
    /// `reported` holds the reports of earlier programs for the same work. Later reports never go
    /// below them.
    pub(crate) fn new(
        phase: Phase,
        profile: Option<&'a ProfileName>,
        context: &'a Context,
        reported: &'a mut Reported,
    ) -> Self {
        let (transfers, copies) = (BTreeMap::new(), BTreeMap::new());
        Self { phase, profile, context, builds: None, transfers, copies, reported }
    }

    pub(crate) fn record(&mut self, event: &LogEvent) {
        match event {
            LogEvent::BuildsStarted { activity } => self.builds = Some(*activity),
            LogEvent::CopyStarted { activity, path } => {
                self.transfers.insert(*activity, name_in_store(path).to_owned());
                self.copies.insert(*activity, (0, 0));
            }
            // The copy of the path is reported already.
            LogEvent::TransferStarted { activity, url } if self.phase != Phase::Realising => {
                let address = url.split(['?', '#']).next().unwrap_or(url).trim_end_matches('/');
                let name = address.rsplit('/').next().unwrap_or(address);
                if !name.ends_with(".narinfo") && name != "nix-cache-info" {
                    self.transfers.insert(*activity, name.to_owned());
                }
            }
            LogEvent::Progress { activity, done, expected, .. } => {
                if self.builds == Some(*activity) {
                    self.report("derivations".to_owned(), *done, *expected, Unit::Items);
                } else if let Some(subject) = self.transfers.get(activity).cloned() {
                    self.report(subject, *done, *expected, Unit::Bytes);
                }
                if let Some(copy) = self.copies.get_mut(activity) {
                    let total = copy.1.max(*expected);
                    *copy = (copy.0.max(*done).min(total), total);
                    self.report_downloads();
                }
            }
            // No version of Nix reports the last bytes. A broken copy is reported elsewhere.
            LogEvent::Stopped { activity } => {
                if let Some((done, total)) = self.copies.get_mut(activity) {
                    *done = *total;
                    let total = *total;
                    if let Some(subject) = self.transfers.get(activity).cloned() {
                        self.report(subject, total, total, Unit::Bytes);
                    }
                    self.report_downloads();
                }
            }
            _ => {}
        }
    }

    fn report_downloads(&mut self) {
        let sum = |of: fn(&(u64, u64)) -> u64| self.copies.values().map(of).sum();
        let (done, total) = (sum(|copy| copy.0), sum(|copy| copy.1));
        self.report(DOWNLOADS.to_owned(), done, total, Unit::Bytes);
    }

    fn report(&mut self, subject: String, done: u64, total: u64, unit: Unit) {
        let (last_done, last_total) = self.reported.get(&subject).copied().unwrap_or_default();
        // Nix's expectation goes up and down while it finds its work.
        let (done, total) = (done.max(last_done), total.max(last_total).max(done));
        let is_step = match unit {
            Unit::Bytes => done == total || done - last_done >= STEP,
            _ => true,
        };
        if total == 0 || !is_step || (done, total) == (last_done, last_total) {
            return;
        }
        self.reported.insert(subject.clone(), (done, total));
        self.context.emit(Event::Progress {
            phase: self.phase,
            profile: self.profile.cloned(),
            subject,
            done,
            total: Some(total),
            unit,
        });
    }
}

/// The name in a store path, which follows the hash.
pub(crate) fn name_in_store(path: &str) -> &str {
    let base = path.rsplit('/').next().unwrap_or(path);
    base.split_once('-').map_or(base, |(_, name)| name).trim_end_matches(".drv")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::internal_json::parse;

    /// The logs of three versions of Nix for the same work, made by `tests/recorded/record.sh`.
    const RECORDED: [(&str, &str); 3] = [
        ("2.8", include_str!("../tests/recorded/2.8.log")),
        ("2.26", include_str!("../tests/recorded/2.26.log")),
        ("2.34", include_str!("../tests/recorded/2.34.log")),
    ];

    /// The reported progress for these lines: subject, done, total, unit.
    fn reported(phase: Phase, lines: &str) -> Vec<(String, u64, u64, Unit)> {
        let events = Arc::new(Mutex::new(Vec::new()));
        let sink = events.clone();
        let context = Context::new().with_events(move |event| sink.lock().unwrap().push(event));
        let mut before = Reported::new();
        let mut progress = Progress::new(phase, None, &context, &mut before);
        for line in lines.lines() {
            if let Some(event) = parse(line) {
                progress.record(&event);
            }
        }
        let events = events.lock().unwrap();
        let progress = |event: &Event| match event {
            Event::Progress { subject, done, total, unit, .. } => {
                Some((subject.clone(), *done, total.unwrap(), *unit))
            }
            _ => None,
        };
        events.iter().filter_map(progress).collect()
    }

    #[test]
    fn each_version_s_progress_runs_forwards_to_its_end() {
        for (version, log) in RECORDED {
            let reported = reported(Phase::Realising, log);
            let mut last: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
            for (subject, done, total, _) in &reported {
                let before = last.insert(subject, (*done, *total)).unwrap_or_default();
                assert!(before.0 <= *done && before.1 <= *total && done <= total, "{version}");
            }
            // A NAR is slightly longer than its file.
            let large = last["large"];
            assert!(large.0 == large.1 && large.0 > 6 << 20, "{version}: {large:?}");
            // Nix 2.8 does not report small downloads.
            let small = last.get("small").copied().unwrap_or_default();
            assert_eq!(last["downloads"], (large.0 + small.0, large.1 + small.1), "{version}");
            // One of two builds fails. Some versions first also count derivations that a cache has.
            let (built, of) = last["derivations"];
            assert!(built == 1 && of >= 2, "{version}: {last:?}");
            let units = |unit| reported.iter().filter(|report| report.3 == unit).count();
            // 6 MiB in steps of at least 1 MiB, twice, and the small downloads.
            assert!((4..=20).contains(&units(Unit::Bytes)), "{version}: {reported:?}");
            let lines_of_progress =
                log.lines().filter(|line| line.contains(r#""type":105"#)).count();
            assert!(lines_of_progress > 90, "{version}: {lines_of_progress}");
        }
    }

    #[test]
    fn a_source_that_is_downloaded_is_told_by_its_file() {
        let mebibytes = |count: u64| count << 20;
        let lines = format!(
            "@nix {{\"action\":\"start\",\"id\":1,\"type\":101,\"fields\":[\"https://example.org/nixpkgs.tar.gz?token=x\"]}}\n\
             @nix {{\"action\":\"result\",\"id\":1,\"type\":105,\"fields\":[{},{},0,0]}}\n\
             @nix {{\"action\":\"result\",\"id\":1,\"type\":105,\"fields\":[{},{},0,0]}}\n",
            mebibytes(1),
            mebibytes(30),
            mebibytes(1) + 5,
            mebibytes(30)
        );
        let one = ("nixpkgs.tar.gz".to_owned(), mebibytes(1), mebibytes(30), Unit::Bytes);
        assert_eq!(reported(Phase::Locking, &lines), [one]);
    }
}
