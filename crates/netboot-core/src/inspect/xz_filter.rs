//! The filters of xz that some kernels know and others do not.

use std::fmt;

use crate::architecture::Architecture;
use crate::inspect::linux_version::LinuxVersion;

/// The first Linux with the filters for 64-bit ARM and RISC-V.
const LATER: LinuxVersion = LinuxVersion { major: 6, minor: 12 };

/// A filter of xz for the machine code of one architecture. Linux knows a filter if it was built
/// with it (`lib/xz/Kconfig`).
///
/// By default Linux has all filters. Debian builds it with the filters for the architecture itself
/// and, since Linux 6.12, also with [`Arm64`](Self::Arm64) and [`RiscV`](Self::RiscV) for 64-bit
/// x86.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum XzFilter {
    /// `xz --x86`.
    X86,
    /// `xz --powerpc`, for POWER.
    PowerPc,
    /// `xz --arm`, for 32-bit ARM.
    Arm,
    /// `xz --armthumb`, for 32-bit ARM.
    ArmThumb,
    /// `xz --sparc`.
    Sparc,
    /// `xz --arm64`, for 64-bit ARM. Linux has it since 6.12.
    Arm64,
    /// `xz --riscv`. Linux has it since 6.12.
    RiscV,
}

impl XzFilter {
    /// Returns the filter with this number (The .xz File Format, section 5.3.2). No Linux of today
    /// knows the filter of IA-64, which is 6.
    pub(super) fn of_id(id: u8) -> Option<Self> {
        Some(match id {
            4 => Self::X86,
            5 => Self::PowerPc,
            7 => Self::Arm,
            8 => Self::ArmThumb,
            9 => Self::Sparc,
            0x0a => Self::Arm64,
            0x0b => Self::RiscV,
            _ => return None,
        })
    }

    /// Returns the first Linux with the filter, if it is not in every version.
    pub fn since(self) -> Option<LinuxVersion> {
        matches!(self, Self::Arm64 | Self::RiscV).then_some(LATER)
    }

    /// Returns the name of the setting with which Linux is built to know the filter.
    pub fn build_setting(self) -> &'static str {
        match self {
            Self::X86 => "CONFIG_XZ_DEC_X86",
            Self::PowerPc => "CONFIG_XZ_DEC_POWERPC",
            Self::Arm => "CONFIG_XZ_DEC_ARM",
            Self::ArmThumb => "CONFIG_XZ_DEC_ARMTHUMB",
            Self::Sparc => "CONFIG_XZ_DEC_SPARC",
            Self::Arm64 => "CONFIG_XZ_DEC_ARM64",
            Self::RiscV => "CONFIG_XZ_DEC_RISCV",
        }
    }

    /// Returns true if the filter is for machine code of this architecture.
    pub(super) fn is_for(self, architecture: Architecture) -> bool {
        match self {
            Self::X86 => architecture == Architecture::X86_64,
            Self::PowerPc => architecture == Architecture::Powerpc64le,
            Self::Arm | Self::ArmThumb => architecture == Architecture::Armv7l,
            Self::Sparc => false,
            Self::Arm64 => architecture == Architecture::Aarch64,
            Self::RiscV => architecture == Architecture::Riscv64,
        }
    }
}

impl fmt::Display for XzFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::X86 => "`--x86`",
            Self::PowerPc => "`--powerpc`",
            Self::Arm => "`--arm`",
            Self::ArmThumb => "`--armthumb`",
            Self::Sparc => "`--sparc`",
            Self::Arm64 => "`--arm64`",
            Self::RiscV => "`--riscv`",
        })
    }
}
