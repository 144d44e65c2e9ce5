//! The reports in memory, in the order in which they arrived.

use std::collections::{BTreeMap, VecDeque};

use netboot_closure::console::StoreStatus;

use super::journal::Line;
use super::report::{MachineId, Report};

/// The number of reports that are kept for one machine.
pub(super) const KEPT: usize = 32;
/// The number of unknown machines that are remembered. Anyone who reaches this service can invent
/// some.
pub(super) const STRANGERS: usize = 256;

/// The reports of each machine.
#[derive(Debug, Default)]
pub(super) struct Machines {
    /// The reports, oldest first.
    pub(super) reports: BTreeMap<MachineId, VecDeque<Numbered>>,
    /// The number of the latest report.
    latest: u64,
}

/// A report with its number in the order of arrival. The order of lines in the journal keeps it.
#[derive(Debug, Clone)]
pub(super) struct Numbered {
    pub(super) number: u64,
    pub(super) report: Report,
}

impl Machines {
    /// All reports.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&MachineId, &Numbered)> {
        self.reports
            .iter()
            .flat_map(|(machine, reports)| reports.iter().map(move |numbered| (machine, numbered)))
    }

    /// The number of reports.
    pub(super) fn len(&self) -> usize {
        self.iter().count()
    }

    /// The unknown machines by name.
    pub(super) fn strangers(&self) -> impl Iterator<Item = (&str, &VecDeque<Numbered>)> {
        self.reports.iter().filter_map(|(machine, reports)| match machine {
            MachineId::Unknown(name) => Some((name.as_str(), reports)),
            MachineId::Known(_) => None,
        })
    }

    /// The messages of stage 1 of a machine in its present boot. Anybody can send unverified
    /// reports, so they tell nothing about verified ones.
    pub(super) fn store(&self, machine: &MachineId, verified: bool) -> StoreStatus {
        let reports = self.reports.get(machine);
        let last = reports.and_then(|reports| Some(&reports[last_of_store(reports, verified)?]));
        let store = last.and_then(|last| last.report.store.as_deref().cloned());
        store.unwrap_or_default()
    }

    /// Adds a report, and forgets old ones. A report of stage 1 has everything that it said before
    /// in this boot, so it replaces its last one.
    pub(super) fn remember(&mut self, Line { machine, report }: Line) {
        // Earlier reports of this card, from before its machine was recognised, move to that
        // machine.
        let mut earlier = VecDeque::new();
        if let (MachineId::Known(_), Some(card)) = (&machine, report.mac)
            && report.is_answer_to(card)
        {
            let stranger = MachineId::Unknown(card.to_string());
            earlier = self.reports.remove(&stranger).unwrap_or_default();
        }
        self.latest += 1;
        let reports = self.reports.entry(machine).or_default();
        reports.extend(earlier);
        if report.store.is_some()
            && let Some(last) = last_of_store(reports, report.verified)
        {
            reports.remove(last);
        }
        reports.push_back(Numbered { number: self.latest, report });
        reports.make_contiguous().sort_by_key(|numbered| numbered.number);
        while reports.len() > KEPT {
            // Anybody can send unverified reports, so they never displace verified ones.
            let oldest = reports.iter().position(|numbered| !numbered.report.verified);
            reports.remove(oldest.unwrap_or_default());
        }
        if self.strangers().count() > STRANGERS {
            let oldest = self.strangers().min_by_key(|(_, reports)| latest(reports));
            if let Some(name) = oldest.map(|(name, _)| name.to_owned()) {
                self.reports.remove(&MachineId::Unknown(name));
            }
        }
    }
}

/// The position of the last report of stage 1 in the present boot.
fn last_of_store(reports: &VecDeque<Numbered>, verified: bool) -> Option<usize> {
    let own = |numbered: &&Numbered| numbered.report.verified == verified;
    let in_boot = |numbered: &&Numbered| numbered.report.continues_store();
    let of_boot = reports.iter().rev().filter(own).take_while(in_boot);
    let number = of_boot.filter(|one| one.report.store.is_some()).map(|one| one.number).next()?;
    reports.iter().position(|numbered| numbered.number == number)
}

/// The number of the last report.
pub(super) fn latest(reports: &VecDeque<Numbered>) -> Option<u64> {
    reports.back().map(|last| last.number)
}
