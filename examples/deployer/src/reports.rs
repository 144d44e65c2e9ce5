//! `GET|POST /report`: what machines tell of how far they came, and where it is kept.

mod journal;
mod report;
mod request;

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use netboot_core::MacAddress;

use self::journal::{Journal, Line};
pub(crate) use self::report::{Report, Stage, latest_boot};
pub(crate) use self::request::{MachineId, identify, routes};
use crate::problem::StartError;

/// How many reports of one machine are kept.
const KEPT: usize = 32;
/// How many machines are remembered that are not known: whoever can reach this service can make
/// some up.
const STRANGERS: usize = 256;
/// How many lines the journal may have beyond those that are kept.
const SLACK: usize = 1000;

/// What machines told. It is in the state directory before the machine has its answer, a restart
/// loses nothing, and it does not grow without bounds.
#[derive(Debug)]
pub(crate) struct Reports(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    journal: Journal,
    machines: BTreeMap<MachineId, VecDeque<Report>>,
    /// Which card belongs to which machine that is known by something else.
    cards: BTreeMap<MacAddress, String>,
}

impl Reports {
    /// Reads what is kept in `directory`, which it makes.
    ///
    /// # Errors
    /// [`StartError::Io`].
    pub(crate) async fn open(directory: &Path) -> Result<Self, StartError> {
        tokio::fs::create_dir_all(directory)
            .await
            .map_err(|source| StartError::io("create", directory, source))?;
        let path = directory.join("reports.jsonl");
        let (mut machines, mut cards) = (BTreeMap::new(), BTreeMap::new());
        let journal = Journal::open(&path, |line| remember(&mut machines, &mut cards, line))?;
        let mut kept = Kept { journal, machines, cards };
        kept.shorten().map_err(|source| StartError::io("write", &path, source))?;
        Ok(Self(Mutex::new(kept)))
    }

    /// Keeps a report.
    pub(crate) fn note(&self, machine: MachineId, report: Report) {
        let mut kept = self.lock();
        let line = Line { machine, report };
        // Some hundred bytes that the disk gets later: no reason for a thread of its own.
        let mut written = kept.journal.append(&line);
        let Kept { machines, cards, .. } = &mut *kept;
        remember(machines, cards, line);
        if kept.journal.lines > SLACK + kept.len() {
            written = written.and_then(|()| kept.shorten());
        }
        if let Err(error) = written {
            // The page shows it all the same; only a restart would forget it.
            tracing::warn!(%error, "a report cannot be written down");
        }
    }

    /// The reports of one machine, oldest first.
    pub(crate) fn of(&self, machine: &MachineId) -> Vec<Report> {
        let kept = self.lock();
        kept.machines
            .get(machine)
            .map(|reports| reports.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// The machines that are not known and that spoke, the latest first.
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

    /// The known machine that was seen with this card.
    pub(crate) fn owner_of(&self, card: MacAddress) -> Option<String> {
        self.lock().cards.get(&card).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn len(&self) -> usize {
        self.machines.values().map(VecDeque::len).sum()
    }

    /// Leaves in the journal what is remembered.
    fn shorten(&mut self) -> std::io::Result<()> {
        let lines = self.machines.iter().flat_map(|(machine, reports)| {
            reports.iter().map(|report| Line { machine: machine.clone(), report: report.clone() })
        });
        let mut lines: Vec<Line> = lines.collect();
        lines.sort_by_key(|line| line.report.at);
        self.journal.rewrite(lines.into_iter())
    }
}

fn remember(
    machines: &mut BTreeMap<MachineId, VecDeque<Report>>,
    cards: &mut BTreeMap<MacAddress, String>,
    Line { machine, report }: Line,
) {
    // Until it was known whose the card is, it was a stranger's.
    let mut earlier = VecDeque::new();
    if let (MachineId::Known(name), Some(card)) = (&machine, report.mac)
        && cards.insert(card, name.clone()).is_none()
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

    fn known(name: &str) -> MachineId {
        MachineId::Known(name.to_owned())
    }

    fn stranger(number: usize) -> MachineId {
        MachineId::Unknown(format!("52-54-00-00-00-{number:02x}"))
    }

    #[tokio::test]
    async fn a_restart_forgets_nothing_and_passes_over_a_line_that_was_cut() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("reports");
        let reports = Reports::open(&path).await.unwrap();
        let mut first = report(Stage::Dhcp, 1);
        first.mac = Some("52:54:00:00:00:01".parse().unwrap());
        reports.note(known("node01"), first.clone());
        reports.note(stranger(9), report(Stage::Refused, 2));
        drop(reports);

        let file = path.join("reports.jsonl");
        let mut bytes = fs::read(&file).unwrap();
        bytes.extend(b"\n{\"machine\":{\"known\":\"node01\"},\"rep");
        fs::write(&file, bytes).unwrap();
        let reports = Reports::open(&path).await.unwrap();
        reports.note(known("node01"), report(Stage::Init, 3));
        drop(reports);

        let reports = Reports::open(&path).await.unwrap();
        assert_eq!(reports.of(&known("node01")), [first, report(Stage::Init, 3)]);
        assert_eq!(reports.owner_of("52:54:00:00:00:01".parse().unwrap()).unwrap(), "node01");
        assert_eq!(reports.strangers().len(), 1);
    }

    #[tokio::test]
    async fn what_a_card_told_is_its_machines_once_it_is_known_whose_it_is() {
        let directory = TempDir::new().unwrap();
        let reports = Reports::open(directory.path()).await.unwrap();
        let with_card = |stage, seconds| {
            let mut report = report(stage, seconds);
            report.mac = Some("52:54:00:00:00:07".parse().unwrap());
            report
        };
        reports.note(known("node01"), report(Stage::Init, 1));
        reports.note(stranger(7), with_card(Stage::Dhcp, 2));
        reports.note(known("node01"), with_card(Stage::Script, 3));
        for reports in [reports, Reports::open(directory.path()).await.unwrap()] {
            let stages = reports.of(&known("node01")).into_iter().map(|report| report.stage);
            let expected = [Stage::Init, Stage::Dhcp, Stage::Script];
            assert_eq!(stages.collect::<Vec<_>>(), expected);
            assert!(reports.strangers().is_empty());
        }
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded_in_memory_and_on_disk() {
        let directory = TempDir::new().unwrap();
        let reports = Reports::open(directory.path()).await.unwrap();
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
