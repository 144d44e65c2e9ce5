//! Reports the progress of Nix, never backwards and not too often.

use std::collections::BTreeMap;

use netboot_core::{Context, Event, Phase, ProfileName, Unit};

use crate::internal_json::LogEvent;

/// The number of bytes between two reports of a download. Nix itself reports every 64 KiB.
const STEP: u64 = 1024 * 1024;

/// The subject of all copies of a realisation together.
const DOWNLOADS: &str = "downloads";

/// The subject of all builds of a program together.
const DERIVATIONS: &str = "derivations";

/// The last report of each subject: done and total.
pub(crate) type Reported = BTreeMap<String, (u64, u64)>;

/// The progress of activities of one kind. Those that ended are only counted, because an evaluation
/// that imports from derivations has many.
#[derive(Debug, Default)]
struct Sum {
    open: BTreeMap<u64, (u64, u64)>,
    ended: (u64, u64),
}

impl Sum {
    fn start(&mut self, activity: u64) {
        self.open.entry(activity).or_default();
    }

    /// Returns false if the activity is of another kind.
    fn set(&mut self, activity: u64, done: u64, expected: u64) -> bool {
        let Some(open) = self.open.get_mut(&activity) else { return false };
        let total = open.1.max(expected);
        *open = (open.0.max(done).min(total), total);
        true
    }

    fn end(&mut self, activity: u64) -> Option<(u64, u64)> {
        let (done, total) = self.open.remove(&activity)?;
        self.ended = sum(self.ended, (done, total));
        Some((done, total))
    }

    fn all(&self) -> (u64, u64) {
        self.open.values().copied().fold(self.ended, sum)
    }
}

/// Adds two counts of done and total. A server names the sizes, and may name any number.
fn sum(one: (u64, u64), other: (u64, u64)) -> (u64, u64) {
    (one.0.saturating_add(other.0), one.1.saturating_add(other.1))
}

/// Reports the progress in a program's log. The last state of the sums is reported when this is
/// dropped.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    phase: Phase,
    profile: Option<&'a ProfileName>,
    context: &'a Context,
    builds: Sum,
    /// The names of the derivations that are being built.
    building: BTreeMap<u64, String>,
    /// The numbers of builds that ended and that began, by the derivation's name.
    built: BTreeMap<String, (u64, u64)>,
    /// The progress of each copied store path.
    copies: Sum,
    /// The names of the copies and downloads.
    transfers: BTreeMap<u64, String>,
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
        let (builds, copies, transfers) = (Sum::default(), Sum::default(), BTreeMap::new());
        let (building, built) = (BTreeMap::new(), BTreeMap::new());
        Self { phase, profile, context, builds, building, built, copies, transfers, reported }
    }

    pub(crate) fn record(&mut self, event: &LogEvent) {
        match event {
            LogEvent::BuildsStarted { activity } => self.builds.start(*activity),
            LogEvent::BuildStarted { activity, derivation } => {
                let name = name_in_store(derivation).to_owned();
                self.built.entry(name.clone()).or_default().1 += 1;
                self.building.insert(*activity, name.clone());
                self.report_derivation(name);
            }
            LogEvent::CopyStarted { activity, path } => {
                self.transfers.insert(*activity, name_in_store(path).to_owned());
                self.copies.start(*activity);
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
                if self.builds.set(*activity, *done, *expected) {
                    self.report_sum(DERIVATIONS, Unit::Items, false);
                } else if let Some(subject) = self.transfers.get(activity).cloned() {
                    self.report_file(subject, *done, *expected);
                }
                if self.copies.set(*activity, *done, *expected) {
                    self.report_sum(DOWNLOADS, Unit::Bytes, false);
                }
            }
            LogEvent::Stopped { activity } => {
                self.builds.end(*activity);
                if let Some(name) = self.building.remove(activity) {
                    self.built.entry(name.clone()).or_default().0 += 1;
                    self.report_derivation(name);
                }
                let subject = self.transfers.remove(activity);
                // No version of Nix reports the last bytes. A broken copy is reported elsewhere.
                if let Some(&(_, total)) = self.copies.open.get(activity) {
                    self.copies.set(*activity, total, total);
                    self.copies.end(*activity);
                    if let Some(subject) = subject {
                        self.report_file(subject, total, total);
                    }
                    self.report_sum(DOWNLOADS, Unit::Bytes, false);
                }
            }
            _ => {}
        }
    }

    /// Reports a file that has at least one step, or already made one. The total is 0 if the server
    /// does not name the size.
    fn report_file(&mut self, subject: String, done: u64, total: u64) {
        let (last, _) = self.reported.get(&subject).copied().unwrap_or_default();
        let is_end = total > 0 && done >= total;
        if total.max(done) >= STEP && (is_end || done.saturating_sub(last) >= STEP) {
            self.report(subject, done, total, Unit::Bytes);
        }
    }

    /// Reports that a derivation is being built, or that it no longer is. Derivations with equal
    /// names count together.
    fn report_derivation(&mut self, name: String) {
        let (ended, begun) = self.built.get(&name).copied().unwrap_or_default();
        self.report(name, ended, begun, Unit::Items);
    }

    /// Reports the sum of all activities of a kind if it made a step, or at the end. A step of
    /// items grows with their number, so that thousands of builds one after the other make few
    /// events.
    fn report_sum(&mut self, subject: &str, unit: Unit, is_end: bool) {
        let sum = if unit == Unit::Items { &self.builds } else { &self.copies };
        let (done, total) = sum.all();
        let (last_done, last_total) = self.reported.get(subject).copied().unwrap_or_default();
        let step = match unit {
            Unit::Bytes => STEP,
            _ => (last_done / 20).max(1),
        };
        let is_first = last_total == 0 && total > 0;
        let is_step =
            done.saturating_sub(last_done) >= step || total >= last_total.max(1).saturating_mul(2);
        if is_first || is_step || is_end {
            self.report(subject.to_owned(), done, total, unit);
        }
    }

    fn report(&mut self, subject: String, done: u64, total: u64, unit: Unit) {
        let (last_done, last_total) = self.reported.get(&subject).copied().unwrap_or_default();
        // Nix's expectation goes up and down while it finds its work.
        let (done, total) = (done.max(last_done), total.max(last_total).max(done));
        if total == 0 || (done, total) == (last_done, last_total) {
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

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.report_sum(DERIVATIONS, Unit::Items, true);
        self.report_sum(DOWNLOADS, Unit::Bytes, true);
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
        drop(progress);
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
            // The other file is smaller than a step, and Nix 2.8 does not report it at all.
            assert!(!last.contains_key("small"), "{version}: {last:?}");
            let (done, total) = last["downloads"];
            assert!(done == total && (large.1..large.1 + 4096).contains(&done), "{version}");
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
    fn many_builds_and_small_files_one_after_the_other_are_few_events() {
        let mut lines = String::new();
        for number in 1..=3000 {
            let line = |action: &str, activity: u64, kind: u64, fields: &str| {
                format!(
                    "@nix {{\"action\":\"{action}\",\"id\":{number}{activity},\"type\":{kind},\"fields\":{fields}}}\n"
                )
            };
            // An import from a derivation, which a cache has.
            let path = format!("[\"/nix/store/a-{number}\",\"\",\"\"]");
            lines.extend([
                line("start", 1, 104, "[]"),
                line("start", 2, 100, &path),
                line("result", 1, 105, "[0,1,1,0]"),
                line("result", 2, 105, "[1000,1000,0,0]"),
                line("result", 1, 105, "[1,1,0,0]"),
                line("stop", 2, 0, "[]"),
                line("stop", 1, 0, "[]"),
            ]);
        }
        let reported = reported(Phase::Evaluating, &lines);
        assert!(reported.len() < 150, "{}", reported.len());
        assert!(reported.contains(&("derivations".to_owned(), 3000, 3000, Unit::Items)));
        assert!(reported.contains(&("downloads".to_owned(), 3_000_000, 3_000_000, Unit::Bytes)));
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
        // The server does not say how large the file is.
        let of_no_size = lines.replace(&format!(",{},0,0]", mebibytes(30)), ",0,0,0]");
        let one = ("nixpkgs.tar.gz".to_owned(), mebibytes(1), mebibytes(1), Unit::Bytes);
        assert_eq!(reported(Phase::Locking, &of_no_size), [one]);
    }

    #[test]
    fn one_build_is_told_when_it_begins_and_any_number_is_taken() {
        let lines = "@nix {\"action\":\"start\",\"id\":1,\"type\":104,\"fields\":[]}\n\
             @nix {\"action\":\"result\",\"id\":1,\"type\":105,\"fields\":[0,1,1,0]}\n";
        let one = ("derivations".to_owned(), 0, 1, Unit::Items);
        assert_eq!(reported(Phase::Realising, lines), [one]);
        let one = |id: u64| {
            format!(
                "@nix {{\"action\":\"start\",\"id\":{id},\"type\":100,\"fields\":[\"/nix/store/a-{id}\",\"\",\"\"]}}\n\
                 @nix {{\"action\":\"result\",\"id\":{id},\"type\":105,\"fields\":[{0},{0},0,0]}}\n",
                u64::MAX
            )
        };
        let lines: Vec<String> = (1..=3).map(one).collect();
        let last = ("downloads".to_owned(), u64::MAX, u64::MAX, Unit::Bytes);
        assert!(reported(Phase::Realising, &lines.concat()).contains(&last));
    }

    #[test]
    fn a_derivation_is_told_while_it_is_built_and_equal_names_count_together() {
        let start = |id: u64| {
            format!(
                "@nix {{\"action\":\"start\",\"id\":{id},\"type\":105,\"fields\":[\"/nix/store/a{id}-linux-6.12.drv\",\"\",1,1]}}\n"
            )
        };
        let stop = |id: u64| format!("@nix {{\"action\":\"stop\",\"id\":{id}}}\n");
        let lines = [start(1), start(2), stop(1), stop(2)].concat();
        let told = |done, total| ("linux-6.12".to_owned(), done, total, Unit::Items);
        let expected = [told(0, 1), told(0, 2), told(1, 2), told(2, 2)];
        assert_eq!(reported(Phase::Realising, &lines), expected);
    }
}
