//! The reports of machines: how far they came when they booted.

mod journal;
mod report;

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use netboot_core::MacAddress;
use netboot_examples::Progress;

use self::journal::{Journal, Line};
pub(crate) use self::report::{MachineId, Report, Stage, latest_boot};
use crate::start_error::StartError;

/// The number of reports that are kept for one machine.
const KEPT: usize = 32;
/// The number of unknown machines that are remembered. Anyone who reaches this service can invent
/// some.
const STRANGERS: usize = 256;
/// The number of lines that the journal may have in addition to the reports that are kept.
const SLACK: usize = 1000;

/// The reports of machines. A report is in the state directory before the machine gets its answer,
/// so a restart loses nothing. The number of reports is limited.
#[derive(Debug)]
pub(crate) struct Reports {
    kept: Mutex<Kept>,
    log: Progress,
}

type Machines = BTreeMap<MachineId, VecDeque<Report>>;

#[derive(Debug)]
struct Kept {
    journal: Journal,
    machines: Machines,
    /// True if the last report was written to the disk.
    is_written: bool,
}

impl Reports {
    /// Reads the reports in `directory`, and creates it if it does not exist. Later errors are
    /// written to `log`.
    ///
    /// # Errors
    /// [`StartError::Io`].
    pub(crate) async fn open(directory: &Path, log: Progress) -> Result<Self, StartError> {
        tokio::fs::create_dir_all(directory)
            .await
            .map_err(|source| StartError::io("create", directory, source))?;
        let path = directory.join("reports.jsonl");
        let mut machines = Machines::new();
        let journal = Journal::open(&path, |line| remember(&mut machines, line))?;
        let mut kept = Kept { journal, machines, is_written: true };
        kept.shorten().map_err(|source| StartError::io("write", &path, source))?;
        Ok(Self { kept: Mutex::new(kept), log })
    }

    /// Stores a report.
    pub(crate) fn note(&self, machine: MachineId, report: Report) {
        let mut kept = self.lock();
        let line = Line { machine, report };
        // A few hundred bytes, which the system writes to the disk later, need no thread of their
        // own.
        let mut written = kept.journal.append(&line);
        remember(&mut kept.machines, line);
        if kept.journal.lines > SLACK + kept.len() {
            written = written.and_then(|()| kept.shorten());
        }
        // After an error, the page still shows the report, and only a restart would forget it. The
        // log gets one warning, not one for each of a thousand machines.
        match (&written, kept.is_written) {
            (Err(error), true) => {
                self.log.line(&format!("warning: cannot save the reports of machines: {error}"));
            }
            (Ok(()), false) => self.log.line("the reports of machines are saved again"),
            _ => {}
        }
        kept.is_written = written.is_ok();
    }

    /// The reports of one machine, oldest first.
    pub(crate) fn of(&self, machine: &MachineId) -> Vec<Report> {
        let kept = self.lock();
        kept.machines
            .get(machine)
            .map(|reports| reports.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// The unknown machines that sent reports, latest first.
    pub(crate) fn strangers(&self) -> Vec<(String, Vec<Report>)> {
        let kept = self.lock();
        let strangers = kept.machines.iter().filter_map(|(machine, reports)| match machine {
            MachineId::Unknown(name) => Some((name.clone(), reports.iter().cloned().collect())),
            MachineId::Known(_) => None,
        });
        let mut strangers: Vec<(String, Vec<Report>)> = strangers.collect();
        strangers.sort_by_key(|(_, reports)| std::cmp::Reverse(reports.last().map(|last| last.at)));
        strangers
    }

    /// The known machine to which this service gave a script, or a refusal, when it asked with this
    /// network card. Reports of machines do not count, because they prove nothing.
    pub(crate) fn owner_of(&self, card: MacAddress) -> Option<String> {
        let kept = self.lock();
        kept.machines.iter().find_map(|(machine, reports)| match machine {
            MachineId::Known(name) => {
                reports.iter().any(|report| report.is_answer_to(card)).then(|| name.clone())
            }
            MachineId::Unknown(_) => None,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn len(&self) -> usize {
        self.machines.values().map(VecDeque::len).sum()
    }

    /// Removes forgotten reports from the journal.
    fn shorten(&mut self) -> std::io::Result<()> {
        let lines = self.machines.iter().flat_map(|(machine, reports)| {
            reports.iter().map(|report| Line { machine: machine.clone(), report: report.clone() })
        });
        let mut lines: Vec<Line> = lines.collect();
        lines.sort_by_key(|line| line.report.at);
        self.journal.rewrite(lines.into_iter())
    }
}

fn remember(machines: &mut Machines, Line { machine, report }: Line) {
    // Earlier reports of this card, from before its machine was recognised, move to that machine.
    let mut earlier = VecDeque::new();
    if let (MachineId::Known(_), Some(card)) = (&machine, report.mac)
        && report.is_answer_to(card)
    {
        let stranger = MachineId::Unknown(card.separated_by("-"));
        earlier = machines.remove(&stranger).unwrap_or_default();
    }
    let reports = machines.entry(machine).or_default();
    reports.extend(earlier);
    reports.push_back(report);
    reports.make_contiguous().sort_by_key(|report| report.at);
    reports.drain(..reports.len().saturating_sub(KEPT));
    let strangers = machines.iter().filter(|(machine, _)| matches!(machine, MachineId::Unknown(_)));
    if strangers.clone().count() > STRANGERS {
        let oldest = strangers.min_by_key(|(_, reports)| reports.back().map(|last| last.at));
        if let Some(oldest) = oldest.map(|(machine, _)| machine.clone()) {
            machines.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::report::tests::report;
    use super::*;

    async fn open(directory: &Path) -> Reports {
        Reports::open(directory, Progress::new(false)).await.unwrap()
    }

    fn with_card(stage: Stage, seconds: u64, card: &str) -> Report {
        Report { mac: Some(card.parse().unwrap()), ..report(stage, seconds) }
    }

    fn known(name: &str) -> MachineId {
        MachineId::Known(name.to_owned())
    }

    fn stranger(number: usize) -> MachineId {
        MachineId::Unknown(format!("52-54-00-00-00-{number:02x}"))
    }

    #[tokio::test]
    async fn a_restart_forgets_nothing_and_ignores_an_unfinished_line() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("reports");
        let reports = open(&path).await;
        let first = with_card(Stage::Script, 1, "52:54:00:00:00:01");
        reports.note(known("node01"), first.clone());
        reports.note(stranger(9), report(Stage::Refused, 2));
        drop(reports);

        let file = path.join("reports.jsonl");
        let mut bytes = fs::read(&file).unwrap();
        bytes.extend(b"\n{\"machine\":{\"known\":\"node01\"},\"rep");
        fs::write(&file, bytes).unwrap();
        let reports = open(&path).await;
        reports.note(known("node01"), report(Stage::Init, 3));
        drop(reports);

        let reports = open(&path).await;
        assert_eq!(reports.of(&known("node01")), [first, report(Stage::Init, 3)]);
        assert_eq!(reports.owner_of("52:54:00:00:00:01".parse().unwrap()).unwrap(), "node01");
        assert_eq!(reports.strangers().len(), 1);
    }

    #[tokio::test]
    async fn earlier_reports_of_a_card_move_to_its_machine() {
        let directory = TempDir::new().unwrap();
        let reports = open(directory.path()).await;
        let card = "52:54:00:00:00:07";
        reports.note(known("node01"), report(Stage::Init, 1));
        reports.note(stranger(7), with_card(Stage::Dhcp, 2, card));
        reports.note(known("node01"), with_card(Stage::Script, 3, card));
        for reports in [reports, open(directory.path()).await] {
            let stages = reports.of(&known("node01")).into_iter().map(|report| report.stage);
            let expected = [Stage::Init, Stage::Dhcp, Stage::Script];
            assert_eq!(stages.collect::<Vec<_>>(), expected);
            assert!(reports.strangers().is_empty());
        }
    }

    #[tokio::test]
    async fn a_report_does_not_make_a_card_belong_to_a_machine() {
        let directory = TempDir::new().unwrap();
        let reports = open(directory.path()).await;
        let card = "52:54:00:00:00:07";
        reports.note(stranger(7), with_card(Stage::Dhcp, 1, card));
        for stage in [Stage::Dhcp, Stage::Init, Stage::Refused] {
            reports.note(known("node01"), with_card(stage, 2, card));
        }
        assert_eq!(reports.owner_of(card.parse().unwrap()), None);
        assert_eq!(reports.strangers().len(), 1, "its own reports stay its own");
        let refused = Report {
            reason: Some("no release is live yet".to_owned()),
            ..with_card(Stage::Refused, 3, card)
        };
        reports.note(known("node02"), refused);
        assert_eq!(reports.owner_of(card.parse().unwrap()).unwrap(), "node02");
    }

    #[tokio::test]
    async fn a_full_disk_forgets_nothing_while_the_service_runs() {
        let directory = TempDir::new().unwrap();
        let reports = open(directory.path()).await;
        // Writing to this device fails as on a full disk.
        reports.lock().journal.write_to(Path::new("/dev/full"));
        reports.note(known("node01"), report(Stage::Kernel, 1));
        assert_eq!(reports.of(&known("node01")).len(), 1);
        assert!(!reports.lock().is_written);
    }

    #[tokio::test]
    async fn the_number_of_reports_is_limited_in_memory_and_on_disk() {
        let directory = TempDir::new().unwrap();
        let reports = open(directory.path()).await;
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
