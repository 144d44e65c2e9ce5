//! Which iPXE a script is read by, as far as the language differs.

use std::fmt;

/// A state of iPXE's source, as Debian has it. Lines, tokens and expansion are the same in all.
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

/// How wide iPXE's `unsigned long` is, in which it reckons with numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "iPXE is built for these two")]
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

    /// The number as the build keeps it.
    pub(crate) const fn wrap(self, number: u64) -> u64 {
        match self {
            Self::Bits32 => number & 0xffff_ffff,
            Self::Bits64 => number,
        }
    }

    /// The number that the build prints for it with a sign.
    pub(crate) const fn signed(self, number: u64) -> i64 {
        match self {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the lower 32 bits are the number of such a build"
            )]
            Self::Bits32 => (number as u32).cast_signed() as i64,
            Self::Bits64 => number.cast_signed(),
        }
    }
}

/// What reads a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Dialect {
    /// The source that it was made from.
    pub version: Version,
    /// The width of its numbers.
    pub word_size: WordSize,
}

impl Dialect {
    /// A build for a BIOS.
    pub const fn bios(version: Version) -> Self {
        Self { version, word_size: WordSize::Bits32 }
    }

    /// A build for UEFI on a 64-bit processor.
    pub const fn efi(version: Version) -> Self {
        Self { version, word_size: WordSize::Bits64 }
    }
}
