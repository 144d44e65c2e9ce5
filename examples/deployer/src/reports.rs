//! The reports of machines: how far they came when they booted.

mod journal;
mod remembered;
mod report;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use netboot_closure::console::ConsoleLine;

use self::journal::{Journal, Line};
use self::remembered::{Machines, Numbered, latest};
pub(crate) use self::report::{MachineId, Report, Stage, latest_boot};
use crate::damage;
use crate::health::Health;

/// The number of lines that the journal may have in addition to the reports that are kept.
const SLACK: usize = 1000;
/// The number of lines after which rewriting the journal is tried again.
const RETRY: usize = 100;
/// The name of this part in [`Health`].
const PART: &str = "reports of machines";

/// The reports of machines. A report is in the state directory before the machine gets its answer,
/// so a restart loses nothing but the latest progress of a store. If that directory cannot be read
/// or written, reports are kept in memory. The number of reports is limited.
///
/// Reports have the order in which they arrived. Their times only tell what the clock said: it may
/// have been wrong in between.
#[derive(Debug)]
pub(crate) struct Reports {
    kept: Mutex<Kept>,
    health: Health,
}

#[derive(Debug)]
struct Kept {
    journal: Journal,
    machines: Machines,
    /// True if a report in memory is not on the disk.
    lacks_some: bool,
    /// The number of lines at which the journal is written again, without forgotten reports.
    rewrite_at: usize,
}

impl Reports {
    /// Reads the reports in `directory`. A file with damaged lines, or with lines of a newer
    /// version, is set aside, and its other lines are taken over.
    pub(crate) fn open(directory: &Path, health: Health) -> Self {
        let mut machines = Machines::default();
        let path = directory.join("reports.jsonl");
        let (journal, read) = Journal::open(&path, |line| machines.remember(line));
        let rewrite_at = SLACK + machines.len();
        let mut kept = Kept { journal, machines, lacks_some: false, rewrite_at };
        if let Err(error) = read {
            health.degrade(PART, &format!("cannot read `{}`: {error}", path.display()));
        }
        if (kept.journal.is_damaged || kept.journal.lines > rewrite_at)
            && let Err(error) = kept.rewrite()
        {
            health.degrade(PART, &not_saved(&error));
        }
        if let Some(aside) = damage::records_aside(directory) {
            health.degrade("damaged reports of machines", &aside);
        }
        Self { kept: Mutex::new(kept), health }
    }

    /// Stores a report.
    pub(crate) fn note(&self, machine: MachineId, report: Report) {
        self.store(&mut self.lock(), Line { machine, report });
    }

    /// Stores a report of a line of stage 1. Progress is only kept in memory, because the machine
    /// reports it again a few seconds later. Each other line takes it to the disk.
    pub(crate) fn note_store(&self, machine: MachineId, report: Report, said: &ConsoleLine) {
        let mut kept = self.lock();
        let mut status = kept.machines.store(&machine, report.verified);
        status.take(said);
        let line = Line { machine, report: Report { store: Some(Box::new(status)), ..report } };
        if matches!(said, ConsoleLine::Progress { .. }) {
            kept.machines.remember(line);
        } else {
            self.store(&mut kept, line);
        }
    }

    fn store(&self, kept: &mut Kept, line: Line) {
        // A few hundred bytes, which the system writes to the disk later, need no thread of their
        // own.
        let appended = kept.journal.append(&line);
        kept.machines.remember(line);
        let written = match appended {
            Ok(()) if kept.journal.lines > kept.rewrite_at => kept.rewrite(),
            Ok(()) => Ok(()),
            Err(error) => {
                // The next report that can be written takes this one with it.
                (kept.lacks_some, kept.rewrite_at) = (true, 0);
                Err(error)
            }
        };
        match written {
            Err(error) => self.health.degrade(PART, &not_saved(&error)),
            Ok(()) if !kept.lacks_some => self.health.restore(PART),
            Ok(()) => {}
        }
    }

    /// The reports of one machine, oldest first.
    pub(crate) fn of(&self, machine: &MachineId) -> Vec<Report> {
        let kept = self.lock();
        kept.machines.reports.get(machine).map(all).unwrap_or_default()
    }

    /// The unknown machines that sent reports, latest first.
    pub(crate) fn strangers(&self) -> Vec<(String, Vec<Report>)> {
        let kept = self.lock();
        let mut strangers: Vec<_> = kept.machines.strangers().collect();
        strangers.sort_by_key(|(_, reports)| std::cmp::Reverse(latest(reports)));
        strangers.into_iter().map(|(name, reports)| (name.to_owned(), all(reports))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Removes forgotten reports from the journal.
    fn rewrite(&mut self) -> std::io::Result<()> {
        // If it fails, it is not tried again for each report.
        self.rewrite_at = self.journal.lines + RETRY;
        let mut reports: Vec<(&MachineId, &Numbered)> = self.machines.iter().collect();
        reports.sort_by_key(|(_, numbered)| numbered.number);
        let lines = reports.into_iter().map(|(machine, numbered)| Line {
            machine: machine.clone(),
            report: numbered.report.clone(),
        });
        self.journal.rewrite(lines)?;
        (self.lacks_some, self.rewrite_at) = (false, SLACK + self.journal.lines);
        Ok(())
    }
}

fn all(reports: &VecDeque<Numbered>) -> Vec<Report> {
    reports.iter().map(|numbered| numbered.report.clone()).collect()
}

fn not_saved(error: &std::io::Error) -> String {
    format!("they are kept in memory only, because they cannot be saved: {error}")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use netboot_cli::Progress;
    use tempfile::TempDir;

    use super::remembered::{KEPT, STRANGERS};
    use super::report::tests::report;
    use super::*;

    fn open(directory: &Path) -> Reports {
        Reports::open(directory, Health::new(Progress::new(false)))
    }

    fn with_card(stage: Stage, seconds: u64, card: &str) -> Report {
        Report { mac: Some(card.parse().unwrap()), ..report(stage, seconds) }
    }

    fn known(name: &str) -> MachineId {
        MachineId::Known(name.to_owned())
    }

    fn stranger(number: usize) -> MachineId {
        MachineId::Unknown(format!("52:54:00:00:00:{number:02x}"))
    }

    #[test]
    fn a_restart_forgets_nothing_and_ignores_an_unfinished_line() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("reports");
        let reports = open(&path);
        let first = with_card(Stage::Script, 1, "52:54:00:00:00:01");
        reports.note(known("node01"), first.clone());
        reports.note(stranger(9), report(Stage::Refused, 2));
        drop(reports);

        let file = path.join("reports.jsonl");
        let mut bytes = fs::read(&file).unwrap();
        bytes.extend(b"\n{\"machine\":{\"known\":\"node01\"},\"rep");
        fs::write(&file, bytes).unwrap();
        let reports = open(&path);
        reports.note(known("node01"), report(Stage::Init, 3));
        drop(reports);

        let reports = open(&path);
        assert_eq!(reports.of(&known("node01")), [first, report(Stage::Init, 3)]);
        assert_eq!(reports.strangers().len(), 1);
    }

    #[test]
    fn earlier_reports_of_a_card_move_to_its_machine() {
        let directory = TempDir::new().unwrap();
        let reports = open(directory.path());
        let card = "52:54:00:00:00:07";
        reports.note(known("node01"), report(Stage::Init, 1));
        reports.note(stranger(7), with_card(Stage::Dhcp, 2, card));
        reports.note(known("node01"), with_card(Stage::Script, 3, card));
        for reports in [reports, open(directory.path())] {
            let stages = reports.of(&known("node01")).into_iter().map(|report| report.stage);
            let expected = [Stage::Init, Stage::Dhcp, Stage::Script];
            assert_eq!(stages.collect::<Vec<_>>(), expected);
            assert!(reports.strangers().is_empty());
        }
    }

    #[test]
    fn a_report_does_not_move_the_reports_of_a_card() {
        let directory = TempDir::new().unwrap();
        let reports = open(directory.path());
        let card = "52:54:00:00:00:07";
        reports.note(stranger(7), with_card(Stage::Dhcp, 1, card));
        for stage in [Stage::Dhcp, Stage::Init, Stage::Refused] {
            reports.note(known("node01"), with_card(stage, 2, card));
        }
        assert_eq!(reports.strangers().len(), 1, "its own reports stay its own");
    }

    #[test]
    fn unverified_reports_do_not_displace_verified_ones() {
        let directory = TempDir::new().unwrap();
        let reports = open(directory.path());
        let verified = Report { verified: true, ..report(Stage::Init, 1) };
        reports.note(known("node01"), verified.clone());
        for number in 2..1000 {
            reports.note(known("node01"), report(Stage::Failed, number));
        }
        let kept = reports.of(&known("node01"));
        assert_eq!((kept.len(), &kept[0]), (KEPT, &verified));
    }

    #[test]
    fn a_full_disk_forgets_nothing_and_is_left_with_every_report() {
        let directory = TempDir::new().unwrap();
        let reports = open(directory.path());
        // Writing to this device fails as on a full disk.
        reports.lock().journal.write_to(Path::new("/dev/full"));
        reports.note(known("node01"), report(Stage::Kernel, 1));
        assert_eq!(reports.of(&known("node01")).len(), 1);
        assert!(reports.health.problems()[0].contains("in memory only"));
        // Now there is space.
        reports.note(known("node01"), report(Stage::Init, 2));
        assert!(reports.health.problems().is_empty());
        let reports = open(directory.path());
        let expected = [report(Stage::Kernel, 1), report(Stage::Init, 2)];
        assert_eq!(reports.of(&known("node01")), expected);
    }

    #[test]
    fn a_clock_that_jumped_ahead_and_came_back_drops_and_reorders_nothing() {
        const AHEAD: u64 = 400 * 24 * 60 * 60;
        let directory = TempDir::new().unwrap();
        let reports = open(directory.path());
        for number in 0..3 * KEPT as u64 {
            reports.note(known("node01"), report(Stage::Kernel, AHEAD + number));
        }
        for number in 0..=STRANGERS {
            reports.note(stranger(number), report(Stage::Dhcp, AHEAD + number as u64));
        }
        // The clock came back.
        for number in 0..2 {
            reports.note(known("node01"), report(Stage::Init, number));
            reports.note(stranger(1000), report(Stage::Dhcp, number));
        }
        reports.lock().rewrite().unwrap();
        for reports in [reports, open(directory.path())] {
            let last: Vec<Report> = reports.of(&known("node01")).split_off(KEPT - 2);
            assert_eq!(last, [report(Stage::Init, 0), report(Stage::Init, 1)]);
            let (name, latest) = reports.strangers().swap_remove(0);
            assert_eq!((name.as_str(), latest.len()), ("52:54:00:00:00:3e8", 2));
        }
    }

    #[test]
    fn damaged_lines_are_set_aside_and_the_others_are_taken_over() {
        let directory = TempDir::new().unwrap();
        let reports = open(directory.path());
        reports.note(known("node01"), report(Stage::Init, 1));
        drop(reports);
        let file = directory.path().join("reports.jsonl");
        let good = fs::read_to_string(&file).unwrap();
        let newer = good.replace("\"stage\"", "\"signed\":true,\"stage\"");
        let long = "x".repeat(300_000);
        for (number, bad) in [newer.as_str(), "{", "\0\0\0", &long].into_iter().enumerate() {
            let whole = format!("{bad}\n{good}\n{bad}");
            fs::write(&file, &whole).unwrap();
            let reports = open(directory.path());
            assert_eq!(reports.of(&known("node01")), [report(Stage::Init, 1)], "{bad:.20}");
            let problems = reports.health.problems();
            assert!(problems[0].contains("reports.jsonl.damaged-1"), "{problems:?}");
            let name = format!("reports.jsonl.damaged-{}", number + 1);
            assert!(fs::read_to_string(directory.path().join(name)).unwrap() == whole);
            assert_eq!(fs::read_to_string(&file).unwrap(), good);
        }
    }

    #[test]
    fn the_number_of_reports_is_limited_in_memory_and_on_disk() {
        let directory = TempDir::new().unwrap();
        let reports = open(directory.path());
        for number in 0..3000 {
            reports.note(known("node01"), report(Stage::Kernel, number));
        }
        for number in 0..300 {
            reports.note(stranger(number), report(Stage::Dhcp, 3000 + number as u64));
        }
        let remembered = reports.of(&known("node01"));
        assert_eq!((remembered.len(), remembered[31].clone()), (32, report(Stage::Kernel, 2999)));
        let strangers = reports.strangers();
        assert_eq!((strangers.len(), strangers[0].1[0].clone()), (256, report(Stage::Dhcp, 3299)));
        let text = fs::read_to_string(directory.path().join("reports.jsonl")).unwrap();
        assert!(text.lines().count() < 1500, "{}", text.lines().count());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
