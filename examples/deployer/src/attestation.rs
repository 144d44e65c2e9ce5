//! The proofs of machines: which release each one booted, by a quote of its TPM.

mod expected;
mod proof;
pub(crate) mod routes;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use netboot_attestation::{Error, Nonce, Nonces, Vouched};

use self::expected::Expected;
pub(crate) use self::proof::Proof;

/// The time for which a nonce counts.
const LIFE: Duration = Duration::from_secs(120);

/// The proofs, and the nonces that machines have not used yet. They are kept in memory only: after
/// a restart, a machine proves again which release it booted.
#[derive(Debug)]
pub(crate) struct Attestations {
    started: Instant,
    nonces: Mutex<Nonces<String>>,
    proofs: Mutex<BTreeMap<String, Proof>>,
    expected: Expected,
}

impl Attestations {
    /// The proofs of at most so many machines.
    pub(crate) fn new(machines: usize) -> Self {
        Self {
            started: Instant::now(),
            nonces: Mutex::new(Nonces::new(machines, LIFE)),
            proofs: Mutex::default(),
            expected: Expected::default(),
        }
    }

    /// The last proof of a machine.
    pub(crate) fn proof(&self, machine: &str) -> Option<Proof> {
        self.proofs.lock().unwrap_or_else(PoisonError::into_inner).get(machine).cloned()
    }

    fn issue(&self, machine: &str) -> Result<Nonce, Error> {
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        nonces.issue(machine.to_owned(), self.started.elapsed())
    }

    fn redeem(&self, machine: &str, vouched: &Vouched) -> Result<(), Error> {
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        nonces.redeem(&machine.to_owned(), &vouched.nonce, self.started.elapsed())
    }

    fn note(&self, machine: &str, proof: Proof) {
        let mut proofs = self.proofs.lock().unwrap_or_else(PoisonError::into_inner);
        proofs.insert(machine.to_owned(), proof);
    }
}
