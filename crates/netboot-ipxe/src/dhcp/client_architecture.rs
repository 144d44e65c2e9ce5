//! The kinds of firmware that ask a DHCP server.

use std::fmt;

use netboot_core::Architecture;

/// The kind of firmware that asks to boot, as DHCP option 93 (RFC 4578) names it.
///
/// The codes are IANA's "Processor Architecture Types" (RFC 5970, section 3.3, and its registry).
/// Firmware that boots by HTTP has separate codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ClientArchitecture {
    /// A PC's BIOS.
    Bios,
    /// UEFI on 32-bit x86.
    EfiIa32,
    /// UEFI on 64-bit x86.
    EfiX64,
    /// UEFI on 32-bit ARM.
    EfiArm32,
    /// UEFI on 64-bit ARM.
    EfiArm64,
    /// UEFI on 64-bit RISC-V.
    EfiRiscv64,
    /// UEFI on 64-bit `LoongArch`.
    EfiLoongArch64,
}

impl ClientArchitecture {
    /// All architectures.
    pub const ALL: [Self; 7] = [
        Self::Bios,
        Self::EfiIa32,
        Self::EfiX64,
        Self::EfiArm32,
        Self::EfiArm64,
        Self::EfiRiscv64,
        Self::EfiLoongArch64,
    ];

    /// The codes of firmware that loads its boot file by TFTP.
    ///
    /// 64-bit x86 has two. Its own code is 7. Firmware that follows RFC 4578, which swaps the two
    /// by mistake (RFC Editor's erratum 4625), sends 9, the code of EFI byte code.
    pub fn tftp_codes(self) -> &'static [u16] {
        match self {
            Self::Bios => &[0],
            Self::EfiIa32 => &[6],
            Self::EfiX64 => &[7, 9],
            Self::EfiArm32 => &[10],
            Self::EfiArm64 => &[11],
            Self::EfiRiscv64 => &[27],
            Self::EfiLoongArch64 => &[39],
        }
    }

    /// The code of firmware that loads its boot file by HTTP. `None` for BIOS, because there is no
    /// such firmware in practice.
    pub fn http_code(self) -> Option<u16> {
        match self {
            Self::Bios => None,
            Self::EfiIa32 => Some(15),
            Self::EfiX64 => Some(16),
            Self::EfiArm32 => Some(18),
            Self::EfiArm64 => Some(19),
            Self::EfiRiscv64 => Some(28),
            Self::EfiLoongArch64 => Some(40),
        }
    }

    /// The firmware of machines with this processor that boots by HTTP, if there is one.
    pub fn with_http_boot(architecture: Architecture) -> Option<Self> {
        match architecture {
            Architecture::X86_64 => Some(Self::EfiX64),
            Architecture::Aarch64 => Some(Self::EfiArm64),
            Architecture::Armv7l => Some(Self::EfiArm32),
            Architecture::Riscv64 => Some(Self::EfiRiscv64),
            Architecture::Loongarch64 => Some(Self::EfiLoongArch64),
            // POWER has no UEFI.
            _ => None,
        }
    }

    /// The name, such as `efi-x64`: lower-case letters, digits and `-`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bios => "bios",
            Self::EfiIa32 => "efi-ia32",
            Self::EfiX64 => "efi-x64",
            Self::EfiArm32 => "efi-arm32",
            Self::EfiArm64 => "efi-arm64",
            Self::EfiRiscv64 => "efi-riscv64",
            Self::EfiLoongArch64 => "efi-loongarch64",
        }
    }
}

impl fmt::Display for ClientArchitecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
