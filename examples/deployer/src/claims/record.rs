//! The place of one machine, as far as this service knows.

use std::collections::VecDeque;
use std::net::IpAddr;

use netboot_core::{MacAddress, ProfileName, ReleaseId};
use serde::{Deserialize, Serialize};

use super::nonce::Nonce;
use super::refusal::Refusal;

/// The number of answers to one machine whose nonces are remembered.
const REMEMBERED: usize = 8;

/// The record of one machine. Its size is limited, whatever is sent.
///
/// A flood cannot change where a plan says that the machine is. The standing only moves like this,
/// and requests from other addresses than the machine's own lead to a conflict or to nothing:
///
/// | from | to | by |
/// |---|---|---|
/// | unseen, taken | sole | an answer to the machine |
/// | sole | taken | an answer to another machine at the address |
/// | any | conflict | a second address of it, or another machine with its card or address |
///
/// The address of `init` in a sole claim is set once. Only an operator ends a conflict.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Record {
    /// The keys by which the configuration recognised the machine.
    pub(super) matches: String,
    pub(super) standing: Standing,
    /// The number of the newest answer to the machine.
    pub(super) answered: u64,
    /// The newest answers with an image, oldest first.
    pub(super) boots: VecDeque<Boot>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Standing {
    /// The machine never asked.
    #[default]
    Unseen,
    /// The machine asked, and nobody else used its address, its cards or its name.
    Sole(Claim),
    /// Another machine asked from its address after it.
    Taken { address: IpAddr, by: String },
    /// Only an operator can tell where the machine is.
    Conflict(Refusal),
}

/// The addresses and cards that a machine uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claim {
    pub(super) asked_from: IpAddr,
    /// The address from which the booted system reported. DHCP may give the system another one than
    /// iPXE.
    pub(super) init_at: Option<IpAddr>,
    pub(super) cards: Vec<MacAddress>,
}

/// An answer with an image.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Boot {
    pub(super) nonce: Nonce,
    /// The number of the answer. A larger number is a later answer, whatever the clock says.
    pub(super) sequence: u64,
    pub(super) asked_from: IpAddr,
    pub(super) cards: Vec<MacAddress>,
    pub(super) release: ReleaseId,
    pub(super) profile: ProfileName,
    /// The address of the first `init` report with the nonce.
    pub(super) init_at: Option<IpAddr>,
}

impl Claim {
    /// The address at which the machine is.
    pub(super) fn address(&self) -> IpAddr {
        self.init_at.unwrap_or(self.asked_from)
    }

    pub(super) fn uses(&self, address: IpAddr) -> bool {
        self.asked_from == address || self.init_at == Some(address)
    }
}

impl Record {
    pub(super) fn conflict(&mut self, refusal: Refusal) {
        // The first conflict is the one that an operator has to look into.
        if !matches!(self.standing, Standing::Conflict(_)) {
            self.standing = Standing::Conflict(refusal);
        }
    }

    /// Notes that this service answered the machine.
    pub(super) fn asked(&mut self, name: &str, address: IpAddr, cards: &[MacAddress], number: u64) {
        self.answered = number;
        match &mut self.standing {
            Standing::Unseen | Standing::Taken { .. } => {
                let cards = cards.to_vec();
                let claim = Claim { asked_from: address, init_at: None, cards };
                self.standing = Standing::Sole(claim);
            }
            Standing::Sole(claim) if claim.uses(address) => claim.cards = cards.to_vec(),
            Standing::Sole(claim) => {
                let (machine, first) = (name.to_owned(), claim.address());
                self.conflict(Refusal::TwoAddresses { machine, first, second: address });
            }
            Standing::Conflict(_) => {}
        }
    }

    pub(super) fn remember(&mut self, boot: Boot) {
        self.boots.push_back(boot);
        if self.boots.len() > REMEMBERED {
            self.boots.pop_front();
        }
    }

    /// Notes that this service answered another machine. Returns true if that changed anything.
    pub(super) fn lose(
        &mut self,
        name: &str,
        address: IpAddr,
        cards: &[MacAddress],
        by: &str,
    ) -> bool {
        let Standing::Sole(claim) = &mut self.standing else { return false };
        let (machine, other) = (name.to_owned(), by.to_owned());
        if let Some(card) = claim.cards.iter().find(|card| cards.contains(card)) {
            // Everybody can ask with any card, so this does not free the machine's name.
            let card = *card;
            self.conflict(Refusal::CardTaken { machine, card, other });
            return true;
        }
        if claim.address() == address {
            self.standing = Standing::Taken { address, by: other };
            return true;
        }
        if claim.asked_from == address {
            // The machine's system has its own address.
            claim.asked_from = claim.address();
            return true;
        }
        false
    }

    /// Notes the first `init` report of a boot.
    pub(super) fn came_up(&mut self, name: &str, boot: u64, address: IpAddr) {
        let Some(boot) = self.boots.iter_mut().find(|one| one.sequence == boot) else { return };
        let earlier = *boot.init_at.get_or_insert(address);
        let (asked_from, is_newest) = (boot.asked_from, boot.sequence == self.answered);
        let machine = name.to_owned();
        let two = |first, second| Refusal::TwoAddresses { machine: machine.clone(), first, second };
        match &mut self.standing {
            _ if earlier != address => self.conflict(two(earlier, address)),
            Standing::Sole(claim) => match claim.init_at {
                Some(first) if first != address => self.conflict(two(first, address)),
                None if claim.asked_from != asked_from => {
                    let refusal = two(claim.asked_from, asked_from);
                    self.conflict(refusal);
                }
                _ => claim.init_at = Some(address),
            },
            Standing::Taken { address: taken, by } if *taken == address => {
                let other = by.clone();
                self.conflict(Refusal::SharedAddress { machine, address, other });
            }
            // Its iPXE and its system have different addresses, and the first belongs to another
            // machine now.
            Standing::Taken { .. } if is_newest => {
                let claim =
                    Claim { asked_from: address, init_at: Some(address), cards: Vec::new() };
                self.standing = Standing::Sole(claim);
            }
            Standing::Taken { .. } | Standing::Unseen | Standing::Conflict(_) => {}
        }
    }

    /// The address at which the machine's newest boot came up, and the address that asked for it.
    pub(super) fn place(&self, name: &str) -> Result<(IpAddr, IpAddr), Refusal> {
        let machine = name.to_owned();
        match &self.standing {
            Standing::Unseen => Err(Refusal::NeverBooted { machine }),
            Standing::Taken { address, by } => {
                let (address, other) = (*address, by.clone());
                Err(Refusal::AddressTaken { machine, address, other })
            }
            Standing::Conflict(refusal) => Err(refusal.clone()),
            Standing::Sole(claim) => {
                let newest = self.boots.back().filter(|boot| boot.sequence == self.answered);
                match newest.and_then(|boot| Some((boot.init_at?, boot.asked_from))) {
                    Some(place) => Ok(place),
                    None => Err(Refusal::NotUp { machine, asked_from: claim.asked_from }),
                }
            }
        }
    }
}
