//! Machine architectures, with the names that Nix uses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::invalid_value::{InvalidValue, TextProblem, ValueKind};
use crate::validated_text::text_conversions;

/// The names of [`Architecture::ALL`], for messages.
const NAMES: &str = "x86_64, aarch64, riscv64, armv7l, powerpc64le or loongarch64";

/// The processor architecture that an image boots on.
///
/// It parses from Nix's name for the processor (`x86_64`) or the system (`x86_64-linux`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Architecture {
    /// 64-bit x86.
    X86_64,
    /// 64-bit ARM.
    Aarch64,
    /// 64-bit RISC-V.
    Riscv64,
    /// 32-bit ARM with hardware floating point.
    Armv7l,
    /// 64-bit little-endian POWER.
    Powerpc64le,
    /// 64-bit `LoongArch`.
    Loongarch64,
}

impl Architecture {
    /// All architectures.
    pub const ALL: [Self; 6] = [
        Self::X86_64,
        Self::Aarch64,
        Self::Riscv64,
        Self::Armv7l,
        Self::Powerpc64le,
        Self::Loongarch64,
    ];

    /// Returns Nix's name for the processor, such as `x86_64`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
            Self::Riscv64 => "riscv64",
            Self::Armv7l => "armv7l",
            Self::Powerpc64le => "powerpc64le",
            Self::Loongarch64 => "loongarch64",
        }
    }

    /// Returns Nix's name for the system, such as `x86_64-linux`.
    pub fn nix_system(self) -> String {
        format!("{self}-linux")
    }

    /// Returns the name of the kernel file in NixOS: the default of
    /// `config.system.boot.loader.kernelFile` (nixpkgs, `lib/systems/platforms.nix`).
    pub fn kernel_file_name(self) -> &'static str {
        match self {
            Self::X86_64 => "bzImage",
            Self::Aarch64 | Self::Riscv64 => "Image",
            Self::Armv7l => "zImage",
            Self::Powerpc64le => "vmlinux",
            Self::Loongarch64 => "vmlinuz.efi",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Architecture {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let processor = text.strip_suffix("-linux").unwrap_or(text);
        Self::ALL.into_iter().find(|architecture| architecture.as_str() == processor).ok_or_else(
            || {
                let problem = TextProblem::Malformed { expected: NAMES };
                InvalidValue::new(ValueKind::Architecture, text, problem)
            },
        )
    }
}

text_conversions!(Architecture, InvalidValue);

impl From<Architecture> for String {
    fn from(architecture: Architecture) -> Self {
        architecture.as_str().to_owned()
    }
}
