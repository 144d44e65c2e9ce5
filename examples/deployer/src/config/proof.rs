//! The way a release is booted in QEMU before it goes live.

use std::time::Duration;

use netboot_qemu::{Machine, MachineBuilder};
use serde::Deserialize;

use super::error::Problem;

/// The way a release is proven.
#[derive(Debug, Clone)]
pub(crate) struct Proof {
    /// The texts that each image has to print on its console. Without any, it is enough that it
    /// reaches `init`.
    expect: Vec<String>,
    /// The maximum time of the boot.
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
    /// Checks that a virtual machine can be made of it, so that no job fails for this reason later.
    pub(super) fn check(self) -> Result<Proof, Problem> {
        let Self { expect, timeout_seconds, memory_mib: memory } = self;
        let proof = Proof { expect, timeout: Duration::from_secs(timeout_seconds), memory };
        proof.machine().build().map_err(|error| Problem::of("proof", &error, error.hint()))?;
        Ok(proof)
    }
}

impl Proof {
    /// The virtual machine in which an image has to come up.
    pub(crate) fn machine(&self) -> MachineBuilder {
        let machine = Machine::builder().timeout(self.timeout).memory_mib(self.memory);
        self.expect.iter().fold(machine, MachineBuilder::expect)
    }
}
