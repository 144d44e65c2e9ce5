//! The reasons why a machine has no zram.

use std::fmt;

/// A reason why the store cannot be on zram.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ZramProblem {
    /// The kernel has no zram, and the module cannot be loaded.
    NoKernelSupport,
    /// There is no `mke2fs` of e2fsprogs.
    NoMke2fs,
    /// The kernel offers no compression that is known here.
    NoAlgorithm {
        /// The algorithms that the kernel offers.
        offered: String,
    },
    /// A step failed.
    Failed {
        /// The step, such as `write /sys/block/zram1/disksize`.
        step: String,
        /// The reason.
        reason: String,
    },
}

impl ZramProblem {
    pub(crate) fn failed(step: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self::Failed { step: step.into(), reason: reason.to_string() }
    }
}

impl fmt::Display for ZramProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKernelSupport => {
                f.write_str("the kernel has no zram, and the initrd has no module `zram`")
            }
            Self::NoMke2fs => f.write_str("the initrd has no `mke2fs` of e2fsprogs"),
            Self::NoAlgorithm { offered } => {
                write!(f, "the kernel's zram has neither zstd nor lzo-rle, but `{offered}`")
            }
            Self::Failed { step, reason } => write!(f, "cannot {step}: {reason}"),
        }
    }
}

/// The memory that a closure needs if its store is on zram.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ZramNeed {
    /// Bytes, with what everything else needs.
    Bytes(u64),
    /// The store cannot be on zram.
    Unusable(ZramProblem),
    /// `netboot.store` excludes zram, or nobody needed to know.
    NotAsked,
}

impl ZramNeed {
    /// The bytes, if zram can be used.
    pub fn bytes(&self) -> Option<u64> {
        if let Self::Bytes(bytes) = self { Some(*bytes) } else { None }
    }
}

impl fmt::Display for ZramNeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{} MiB on zram", bytes.div_ceil(1 << 20)),
            Self::Unusable(problem) => write!(f, "cannot be on zram ({problem})"),
            Self::NotAsked => f.write_str("was not to be on zram"),
        }
    }
}
