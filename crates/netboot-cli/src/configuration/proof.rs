//! The table `[proof]`.

use std::time::Duration;

use netboot_qemu::{Machine, MachineBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem::Problem;

/// The table `[proof]`: how a release is booted in QEMU before it goes live.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct ProofSection {
    /// The texts that each image has to print on its console. Without any, it is enough that Linux
    /// starts init.
    pub expect: Vec<String>,
    /// The maximum time of a boot, in seconds.
    pub timeout_seconds: u64,
    /// The memory of the virtual machine, in MiB.
    pub memory_mib: u32,
}

impl Default for ProofSection {
    fn default() -> Self {
        Self { expect: Vec::new(), timeout_seconds: 600, memory_mib: 2048 }
    }
}

impl ProofSection {
    /// The virtual machine in which an image has to come up. A
    /// [`QemuProver`](netboot_qemu::QemuProver) takes it.
    pub fn machine(&self) -> MachineBuilder {
        let timeout = Duration::from_secs(self.timeout_seconds);
        let machine = Machine::builder().timeout(timeout).memory_mib(self.memory_mib);
        self.expect.iter().fold(machine, MachineBuilder::expect)
    }

    /// Checks that a virtual machine can be made of it, so that no work fails for this reason
    /// later.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let machine = self.machine().build();
        machine.map(drop).map_err(|error| Problem::of("proof", &error, error.hint()))
    }
}
