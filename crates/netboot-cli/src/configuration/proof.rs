//! The table `[proof]`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use netboot_core::Architecture;
use netboot_qemu::{Firmware, Machine, MachineBuilder, QemuProver};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem::Problem;

/// The program that emulates a TPM, in the `PATH`.
pub(crate) const SWTPM: &str = "swtpm";

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
    /// The directory with the certificates that the firmware of the virtual machine trusts:
    /// `db.esl` or `db.crt`, and also `KEK` and `PK` if they are there. With it, the machine has
    /// Secure Boot, and its firmware fetches the UKI of the image by HTTP, without iPXE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secure_boot_keys: Option<PathBuf>,
    /// True to let the firmware fetch the UKI of each image, also without Secure Boot.
    pub uki: bool,
    /// True to give the virtual machine a TPM, which swtpm emulates.
    pub tpm: bool,
}

impl Default for ProofSection {
    fn default() -> Self {
        Self {
            expect: Vec::new(),
            timeout_seconds: 600,
            memory_mib: 2048,
            ipxe_aarch64: None,
            secure_boot_keys: None,
            uki: false,
            tpm: false,
        }
    }
}

impl ProofSection {
    /// The prover that boots images so.
    pub fn prover(&self) -> QemuProver {
        let (by_firmware, proof) = (self.boots_ukis(), self.clone());
        QemuProver::new(move |image| proof.machine(image.image().boot.architecture()))
            .by_firmware(by_firmware)
    }

    /// True if firmware has to fetch the UKI of each image.
    pub fn boots_ukis(&self) -> bool {
        self.uki || self.secure_boot_keys.is_some()
    }

    /// The virtual machine in which an image for an architecture has to come up.
    pub fn machine(&self, architecture: Architecture) -> MachineBuilder {
        let timeout = Duration::from_secs(self.timeout_seconds);
        let mut machine = Machine::builder().timeout(timeout).memory_mib(self.memory_mib);
        machine = machine.architecture(architecture);
        if let Some(keys) = &self.secure_boot_keys {
            machine = machine.firmware(Firmware::UefiSecureBoot).firmware_keys_in(keys);
        } else if self.uki {
            machine = machine.firmware(Firmware::Uefi);
        } else if let Some(ipxe) = self.ipxe(architecture) {
            machine = machine.ipxe(ipxe);
        }
        if self.tpm {
            machine = machine.tpm(SWTPM);
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
