//! How a release is booted in QEMU before it goes live.

use std::time::Duration;

use netboot_qemu::{Error, Machine, MachineBuilder};
use serde::Deserialize;

use super::error::Problem;

/// How a release is proven.
#[derive(Debug, Clone)]
pub(crate) struct Proof {
    /// What each image has to print on its console; without any, coming to `init` is enough.
    expect: Vec<String>,
    /// How long it may take.
    timeout: Duration,
    /// The memory of the virtual machine, in MiB.
    memory: u32,
}

/// The section `[proof]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct ProofSection {
    expect: Vec<String>,
    timeout_seconds: u64,
    memory_mib: u32,
}

impl Default for ProofSection {
    fn default() -> Self {
        Self { expect: Vec::new(), timeout_seconds: 600, memory_mib: 2048 }
    }
}

impl ProofSection {
    /// The proof, of which a machine can be made: not only once it is too late.
    pub(super) fn check(self) -> Result<Proof, Problem> {
        let Self { expect, timeout_seconds, memory_mib: memory } = self;
        let proof = Proof { expect, timeout: Duration::from_secs(timeout_seconds), memory };
        proof.machine().map_err(|error| Problem::of("proof", &error, error.hint()))?;
        Ok(proof)
    }
}

impl Proof {
    /// The machine that an image has to come up in.
    ///
    /// # Errors
    /// When there is no such machine.
    pub(crate) fn machine(&self) -> Result<Machine, Error> {
        let machine = Machine::builder().timeout(self.timeout).memory_mib(self.memory);
        self.expect.iter().fold(machine, MachineBuilder::expect).build()
    }
}
