//! The dialects of iPXE: versions and word sizes that differ in how they read a script.

use std::fmt;

/// A version of iPXE, as Debian has it. All versions read lines, words and expansions alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Version {
    /// `1.0.0+git-20190125`, in Debian 11 and 12.
    V2019,
    /// `1.21.1+git20250501`, in Debian 13.
    V1_21,
    /// `2.0.0`, in Debian's unstable suite.
    V2_0,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::V2019 => "1.0.0 of 2019",
            Self::V1_21 => "1.21",
            Self::V2_0 => "2.0",
        })
    }
}

/// The width of iPXE's `unsigned long`, the type of its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "iPXE is built for these two only")]
pub enum WordSize {
    /// 32 bits: builds for a BIOS, and for 32-bit processors.
    Bits32,
    /// 64 bits: builds for UEFI on 64-bit processors.
    Bits64,
}

impl WordSize {
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::Bits32 => 4,
            Self::Bits64 => 8,
        }
    }

    /// The number as iPXE stores it.
    pub(crate) const fn wrap(self, number: u64) -> u64 {
        match self {
            Self::Bits32 => number & 0xffff_ffff,
            Self::Bits64 => number,
        }
    }

    /// The number as iPXE prints it with a sign.
    pub(crate) const fn signed(self, number: u64) -> i64 {
        match self {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a number has 32 bits in these builds"
            )]
            Self::Bits32 => (number as u32).cast_signed() as i64,
            Self::Bits64 => number.cast_signed(),
        }
    }
}

/// The way iPXE reads settings and numbers: its version and the width of its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Dialect {
    /// The version of iPXE.
    pub version: Version,
    /// The width of numbers.
    pub word_size: WordSize,
}

impl Dialect {
    /// The dialect of builds for a BIOS.
    pub const fn bios(version: Version) -> Self {
        Self { version, word_size: WordSize::Bits32 }
    }

    /// The dialect of builds for UEFI on a 64-bit processor.
    pub const fn efi(version: Version) -> Self {
        Self { version, word_size: WordSize::Bits64 }
    }
}
