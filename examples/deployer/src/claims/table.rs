//! The records of all machines of the configuration, and how they limit each other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;

use netboot_core::{MacAddress, ProfileName, ReleaseId};

use super::nonce::Nonce;
use super::record::{Boot, Record, Standing};
use super::refusal::Refusal;
use crate::reports::{MachineId, Stage};

/// The number of answers to unknown machines whose nonces are remembered.
const STRANGERS: usize = 256;

/// The machine to which this service gave an answer, as far as the request tells.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    pub(crate) machine: MachineId,
    pub(crate) address: IpAddr,
    /// The network cards of its request.
    pub(crate) cards: Vec<MacAddress>,
}

/// The image that an answer has.
#[derive(Debug, Clone)]
pub(crate) struct Granted {
    pub(crate) nonce: Nonce,
    pub(crate) release: ReleaseId,
    pub(crate) profile: ProfileName,
}

/// A report with a nonce.
#[derive(Debug, Clone)]
pub(crate) struct Claimed<'a> {
    pub(crate) nonce: Nonce,
    pub(crate) stage: Stage,
    pub(crate) address: IpAddr,
    pub(crate) cards: &'a [MacAddress],
    pub(crate) profile: Option<&'a ProfileName>,
}

/// The answer that a report's nonce belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) machine: MachineId,
    pub(crate) release: ReleaseId,
    pub(crate) profile: ProfileName,
}

/// The records. Their number is that of the machines in the configuration.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) records: BTreeMap<String, Record>,
    /// Anybody can be an unknown machine. No plan rests on their nonces.
    strangers: VecDeque<(String, Boot)>,
    sequence: u64,
}

impl Table {
    pub(super) fn new(records: BTreeMap<String, Record>) -> Self {
        let numbers = records.values().map(|record| record.answered);
        let sequence = numbers.max().unwrap_or_default();
        Self { records, strangers: VecDeque::new(), sequence }
    }

    /// Notes an answer, and returns the names of the machines whose records changed.
    pub(super) fn answer(&mut self, to: &Asker, granted: Option<Granted>) -> BTreeSet<String> {
        self.sequence += 1;
        let Asker { machine, address, cards } = to;
        let (MachineId::Known(own) | MachineId::Unknown(own)) = machine;
        let is_own = |name: &str| *machine == MachineId::Known(name.to_owned());
        let mut changed = BTreeSet::new();
        for (name, record) in &mut self.records {
            if !is_own(name) && record.lose(name, *address, cards, own) {
                changed.insert(name.clone());
            }
        }
        let boot = granted.map(|Granted { nonce, release, profile }| Boot {
            nonce,
            sequence: self.sequence,
            asked_from: *address,
            cards: cards.clone(),
            release,
            profile,
            init_at: None,
        });
        match (self.records.get_mut(own).filter(|_| is_own(own)), boot) {
            (Some(record), boot) => {
                record.asked(own, *address, cards, self.sequence);
                if let Some(boot) = boot {
                    record.remember(boot);
                }
                changed.insert(own.clone());
            }
            (None, Some(boot)) => {
                self.strangers.push_back((own.clone(), boot));
                if self.strangers.len() > STRANGERS {
                    self.strangers.pop_front();
                }
            }
            (None, None) => {}
        }
        changed
    }

    /// Finds the answer that a report belongs to, and notes a report of `init`. Returns also the
    /// names of the machines whose records changed.
    ///
    /// A report has to come from the address that asked, with one of the cards and the profile of
    /// the answer. Only `store` and `init` may come from another address, because DHCP may give
    /// Linux another one than iPXE.
    pub(super) fn report(&mut self, claimed: &Claimed<'_>) -> (Option<Verified>, BTreeSet<String>) {
        let is_of_linux = matches!(claimed.stage, Stage::Store | Stage::Init);
        let fits = |boot: &&Boot| {
            boot.nonce == claimed.nonce
                && (is_of_linux || claimed.address == boot.asked_from)
                && (claimed.cards.is_empty()
                    || boot.cards.is_empty()
                    || claimed.cards.iter().any(|card| boot.cards.contains(card)))
                && claimed.profile.is_none_or(|profile| *profile == boot.profile)
        };
        let verified = |machine, boot: &Boot| Verified {
            machine,
            release: boot.release,
            profile: boot.profile.clone(),
        };
        let known = self.records.iter().find_map(|(name, record)| {
            record.boots.iter().find(fits).map(|boot| (name.clone(), boot.clone()))
        });
        let Some((name, boot)) = known else {
            let stranger = self.strangers.iter().find(|(_, boot)| fits(&boot));
            let of_stranger =
                |(name, boot): &(String, Boot)| verified(MachineId::Unknown(name.clone()), boot);
            return (stranger.map(of_stranger), BTreeSet::new());
        };
        let mut changed = BTreeSet::new();
        if claimed.stage == Stage::Init {
            changed = self.came_up(&name, boot.sequence, claimed.address);
        }
        (Some(verified(MachineId::Known(name), &boot)), changed)
    }

    fn came_up(&mut self, name: &str, boot: u64, address: IpAddr) -> BTreeSet<String> {
        let mut changed = BTreeSet::from([name.to_owned()]);
        let mut shares_with = None;
        for (other, record) in self.records.iter_mut().filter(|(other, _)| *other != name) {
            let Standing::Sole(claim) = &record.standing else { continue };
            if !claim.uses(address) {
                continue;
            }
            if record.answered > boot {
                // The other machine asked after this boot began, so both are there.
                let (machine, with) = (other.clone(), name.to_owned());
                record.conflict(Refusal::SharedAddress { machine, address, other: with });
                shares_with = Some(other.clone());
                changed.insert(other.clone());
            } else if record.lose(other, address, &[], name) {
                changed.insert(other.clone());
            }
        }
        if let Some(record) = self.records.get_mut(name) {
            record.came_up(name, boot, address);
            if let Some(other) = shares_with {
                let machine = name.to_owned();
                record.conflict(Refusal::SharedAddress { machine, address, other });
            }
        }
        changed
    }

    /// The machine that asked last with this network card.
    pub(super) fn owner_of(&self, card: MacAddress) -> Option<String> {
        let asked_with = |record: &Record| {
            let boots = record.boots.iter().filter(|boot| boot.cards.contains(&card));
            let boots = boots.map(|boot| boot.sequence).max();
            let claims = matches!(
                &record.standing,
                Standing::Sole(claim) if claim.cards.contains(&card)
            );
            boots.max(claims.then_some(record.answered))
        };
        let owners = self.records.iter().filter_map(|(name, one)| Some((asked_with(one)?, name)));
        owners.max().map(|(_, name)| name.clone())
    }
}
