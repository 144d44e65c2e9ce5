//! The texts about a machine.

use std::time::Duration;

use netboot_core::ReleaseId;
use serde::Serialize;

use super::store_row::StoreRow;
use crate::attestation::Proof;
use crate::machines::MachineView;
use crate::reports::Stage;
use crate::timestamp::Timestamp;

/// The time after which a machine that does not reach the next stage needs attention.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// The stages of a machine that boots. Only a machine with a closure has a store.
const WAY: [Stage; 6] =
    [Stage::Dhcp, Stage::Script, Stage::Kernel, Stage::Initrd, Stage::Store, Stage::Init];

/// The state of a machine, in the order in which an operator wants to see them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Condition {
    /// It failed, was refused, or did not reach the next stage in time.
    Attention,
    /// It is on its way.
    Booting,
    /// It has the menu or boots its local disk, so no report is expected.
    Elsewhere,
    /// Its system runs.
    Up,
    /// It has not sent a report.
    #[default]
    Unseen,
}

impl Condition {
    /// All of them, in the order of the summary.
    pub(super) const ALL: [Self; 5] =
        [Self::Up, Self::Booting, Self::Attention, Self::Elsewhere, Self::Unseen];

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Attention => "Needs attention",
            Self::Booting => "Booting",
            Self::Elsewhere => "Menu or local disk",
            Self::Up => "Up",
            Self::Unseen => "Not seen yet",
        }
    }

    /// The word for the style, and behind `is:` in the filter.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Attention => "attention",
            Self::Booting => "booting",
            Self::Elsewhere => "elsewhere",
            Self::Up => "up",
            Self::Unseen => "unseen",
        }
    }

    fn of(machine: &MachineView) -> Self {
        let Some(last) = &machine.last else { return Self::Unseen };
        let proven = machine.proof.as_ref().map(Proof::release);
        if proven.is_some_and(|proven| proven.is_none() || proven != machine.release) {
            return Self::Attention;
        }
        match last.stage {
            Stage::Init => Self::Up,
            Stage::Failed | Stage::Refused => Self::Attention,
            Stage::Script if last.reason.is_some() => Self::Elsewhere,
            _ if last.at.age() > PATIENCE => Self::Attention,
            _ => Self::Booting,
        }
    }
}

/// A machine.
#[derive(Debug, Default, Serialize)]
pub(super) struct MachineRow {
    pub(super) name: String,
    pub(super) profile: Option<String>,
    pub(super) matches: Vec<String>,
    pub(super) labels: Vec<String>,
    pub(super) condition: Condition,
    pub(super) label: &'static str,
    /// The text in which the filter looks for words.
    pub(super) search: String,
    pub(super) steps: Vec<Step>,
    /// The last stage.
    pub(super) stage: Option<&'static str>,
    pub(super) when: Option<Timestamp>,
    pub(super) address: Option<String>,
    /// True if anybody could have sent the last report.
    pub(super) is_unverified: bool,
    pub(super) release: Option<String>,
    /// The release that the TPM of the machine proves.
    pub(super) proven: Option<String>,
    /// The reason why the TPM proves no release.
    pub(super) unproven: Option<String>,
    /// True if the machine booted another release than it says.
    pub(super) is_false: bool,
    /// True if that release is not the live one.
    pub(super) is_other: bool,
    pub(super) reason: Option<String>,
    /// The part of its closure that the machine has.
    pub(super) store: Option<StoreRow>,
}

/// A stage of a machine that boots.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) when: Option<Timestamp>,
}

impl MachineRow {
    pub(super) fn of(machine: MachineView, live: Option<ReleaseId>) -> Self {
        let condition = Condition::of(&machine);
        let last = machine.last.as_ref();
        let has_store = |stage: &Stage| *stage != Stage::Store || machine.store.is_some();
        let way = WAY.into_iter().filter(has_store);
        let step =
            |stage: Stage| Step { name: stage.as_str(), when: machine.boot.get(&stage).copied() };
        let stage = last.map(|last| last.stage.as_str());
        let address = last.map(|last| last.address.to_string());
        let proven = machine.proof.as_ref().and_then(Proof::release);
        let release = machine.release.map(|release| release.short());
        let seen = [stage, address.as_deref(), release.as_deref()].map(Option::unwrap_or_default);
        let (own, seen) = (machine.search_text(), seen.join(" "));
        let (label, word) = (condition.label(), condition.word());
        Self {
            search: format!("{own} {seen} {} is:{word}", label.to_lowercase()),
            profile: machine.profile.as_ref().map(ToString::to_string),
            labels: machine.labels.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            condition,
            label,
            steps: way.map(step).collect(),
            stage,
            when: last.map(|last| last.at),
            address,
            is_unverified: last.is_some_and(|last| !last.verified),
            release,
            proven: proven.map(|release| release.short()),
            unproven: machine.proof.as_ref().and_then(Proof::problem),
            is_false: proven.is_some() && machine.release.is_some() && proven != machine.release,
            is_other: machine.release.is_some() && machine.release != live,
            reason: last.and_then(|last| last.reason.clone()),
            store: machine.store.as_ref().map(StoreRow::of),
            matches: machine.matches,
            name: machine.name,
        }
    }
}
