//! The firmware of a virtual machine.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The firmware that a machine runs before iPXE or another EFI program.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Firmware {
    /// `SeaBIOS`, which comes with QEMU.
    #[default]
    Bios,
    /// The UEFI firmware of EDK II, without Secure Boot: OVMF, or AAVMF for ARM.
    Uefi,
    /// UEFI with Secure Boot: OVMF in the build whose variables only System Management Mode can
    /// change, or AAVMF for ARM, which has no such mode. It runs programs that the keys in its
    /// variables signed, and no other ones. So it needs
    /// [`firmware_keys`](crate::MachineBuilder::firmware_keys),
    /// [`firmware_keys_in`](crate::MachineBuilder::firmware_keys_in), or
    /// [`firmware_variables`](crate::MachineBuilder::firmware_variables) with keys.
    UefiSecureBoot,
}

impl fmt::Display for Firmware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bios => "BIOS",
            Self::Uefi => "UEFI",
            Self::UefiSecureBoot => "UEFI with Secure Boot",
        })
    }
}
