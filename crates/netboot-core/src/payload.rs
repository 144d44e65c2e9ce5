//! The ways in which a machine gets its system.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The way in which a machine gets the files of its system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Payload {
    /// The initrd contains the whole system. The boot loader fetches it.
    #[default]
    Ramdisk,
    /// The initrd contains a small program, which fetches the system's
    /// [`Closure`](crate::Closure): one file for each store path.
    Closure,
    /// The initrd gets the system from a place that the configuration names, such as a root file
    /// system of NFS, an image that stage 1 fetches over HTTP, or a disk. Builders take such an
    /// initrd without `init` in it, and check nothing of that place.
    External,
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ramdisk => "ramdisk",
            Self::Closure => "closure",
            Self::External => "external",
        })
    }
}
