//! The table `[proof]`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use netboot_core::Architecture;
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
    /// The file of the iPXE that boots a virtual machine for `aarch64`, whose network card has
    /// none. The default is that of the distribution, such as Debian 13.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipxe_aarch64: Option<PathBuf>,
}

impl Default for ProofSection {
    fn default() -> Self {
        Self { expect: Vec::new(), timeout_seconds: 600, memory_mib: 2048, ipxe_aarch64: None }
    }
}

impl ProofSection {
    /// The virtual machine in which an image for an architecture has to come up. A
    /// [`QemuProver`](netboot_qemu::QemuProver) takes it.
    pub fn machine(&self, architecture: Architecture) -> MachineBuilder {
        let timeout = Duration::from_secs(self.timeout_seconds);
        let mut machine = Machine::builder().timeout(timeout).memory_mib(self.memory_mib);
        machine = machine.architecture(architecture);
        if let Some(ipxe) = self.ipxe(architecture) {
            machine = machine.ipxe(ipxe);
        }
        self.expect.iter().fold(machine, MachineBuilder::expect)
    }

    /// The file of the iPXE that boots machines of an architecture. `None` leaves the choice to
    /// the virtual machine.
    pub(crate) fn ipxe(&self, architecture: Architecture) -> Option<&Path> {
        self.ipxe_aarch64.as_deref().filter(|_| architecture == Architecture::Aarch64)
    }

    /// Checks that a virtual machine can be made of it, so that no work fails for this reason
    /// later.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let machine = self.machine(Architecture::X86_64).build();
        machine.map(drop).map_err(|error| Problem::of("proof", &error, error.hint()))
    }
}
