//! The places of machines, by the answers of this service: what install plans rest on.
//!
//! Each answer of `/boot` has a nonce, which the machine repeats in its reports. A report without
//! the nonce of an answer is shown to operators as unverified, and decides nothing.
//!
//! A nonce proves that whoever sends the report has read the answer. It does not protect against
//! somebody who reads the network, because machines boot over plain HTTP, and it does not prove
//! that the machine which asked is the one that it says it is.

mod files;
mod nonce;
mod record;
mod refusal;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use netboot_core::MacAddress;

use self::files::Files;
pub(crate) use self::nonce::Nonce;
use self::record::{Record, Standing};
pub(crate) use self::refusal::Refusal;
use self::table::Table;
pub(crate) use self::table::{Asker, Claimed, Granted, Verified};
use crate::config::Config;
use crate::damage;
use crate::health::Health;

/// The name of this part in [`Health`].
const PART: &str = "places of machines";

/// The place of a machine that has booted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The address from which it reported its `init`.
    pub(crate) address: IpAddr,
    /// The address from which it asked for its script.
    pub(crate) asked_from: IpAddr,
}

/// The places of the configuration's machines. The state directory has them too, so a restart
/// forgets nothing, and nonces from before it stay valid. If the directory cannot be written,
/// machines still boot.
#[derive(Debug)]
pub(crate) struct Claims {
    kept: Mutex<Kept>,
    health: Health,
}

#[derive(Debug)]
struct Kept {
    table: Table,
    files: Files,
    /// The machines whose records in memory are not on the disk.
    unsaved: BTreeSet<String>,
}

impl Claims {
    /// Reads what `directory` has about the machines of the configuration. A record that cannot be
    /// read is set aside, and its machine gets no plan until an operator says so.
    pub(crate) fn open(directory: &Path, config: &Config, health: Health) -> Self {
        let files = Files::new(directory);
        let mut records = BTreeMap::new();
        for (name, machine) in &config.machines {
            let keys = machine.selector.keys().iter().map(ToString::to_string);
            let matches = keys.collect::<Vec<_>>().join(", ");
            let record = files.read(name, &matches).unwrap_or_else(|error| {
                health.degrade(PART, &format!("cannot read the record of `{name}`: {error}"));
                let damaged = Refusal::Damaged { machine: name.clone() };
                Record { matches, standing: Standing::Conflict(damaged), ..Record::default() }
            });
            records.insert(name.clone(), record);
        }
        if let Some(aside) = damage::records_aside(directory) {
            health.degrade("damaged records of where machines booted", &aside);
        }
        let kept = Kept { table: Table::new(records), files, unsaved: BTreeSet::new() };
        Self { kept: Mutex::new(kept), health }
    }

    /// Notes an answer, before the machine gets it.
    pub(crate) fn answer(&self, to: &Asker, granted: Option<Granted>) {
        let mut kept = self.lock();
        let changed = kept.table.answer(to, granted);
        self.save(&mut kept, changed);
    }

    /// Finds the answer that a report belongs to.
    pub(crate) fn verify(&self, claimed: &Claimed<'_>) -> Option<Verified> {
        let mut kept = self.lock();
        let (verified, changed) = kept.table.report(claimed);
        self.save(&mut kept, changed);
        verified
    }

    /// The machine of the configuration that asked last with this network card.
    pub(crate) fn owner_of(&self, card: MacAddress) -> Option<String> {
        self.lock().table.owner_of(card)
    }

    /// The place of a machine.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(crate) fn place(&self, machine: &str) -> Result<Place, Refusal> {
        let kept = self.lock();
        let never = || Refusal::NeverBooted { machine: machine.to_owned() };
        let record = kept.table.records.get(machine).ok_or_else(never)?;
        let (address, asked_from) = record.place(machine)?;
        Ok(Place { address, asked_from })
    }

    /// The machine other than `machine` that was answered at this address last.
    pub(crate) fn other_at(&self, machine: &str, address: IpAddr) -> Option<String> {
        let kept = self.lock();
        let mut others = kept.table.records.iter().filter(|(name, _)| *name != machine);
        let other = others.find(|(_, record)| match &record.standing {
            Standing::Sole(claim) => claim.address() == address,
            _ => false,
        });
        other.map(|(name, _)| name.clone())
    }

    /// Forgets everything about a machine, because an operator says so.
    pub(crate) fn forget(&self, machine: &str) {
        let mut kept = self.lock();
        if let Some(record) = kept.table.records.get_mut(machine) {
            *record = Record { matches: record.matches.clone(), ..Record::default() };
            self.save(&mut kept, BTreeSet::from([machine.to_owned()]));
        }
    }

    /// Writes changed records, and those that could not be written before.
    fn save(&self, kept: &mut Kept, changed: BTreeSet<String>) {
        let Kept { table, files, unsaved } = kept;
        unsaved.extend(changed);
        // A few hundred bytes, which the system writes to the disk later, need no thread.
        if unsaved.is_empty() {
            return;
        }
        let mut problem = None;
        unsaved.retain(|name| {
            let Some(record) = table.records.get(name) else { return false };
            files.write(name, record).map_err(|error| problem = Some(error)).is_err()
        });
        match problem {
            Some(error) => {
                let so = "a restart forgets them, because they cannot be saved";
                self.health.degrade(PART, &format!("{so}: {error}"));
            }
            None => self.health.restore(PART),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns true if this computer has the address. Only then can a socket be bound to it.
pub(crate) fn is_own_address(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified() || UdpSocket::bind((address, 0)).is_ok()
}
