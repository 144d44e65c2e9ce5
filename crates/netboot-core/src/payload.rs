//! The two ways in which a machine gets its system.

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
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ramdisk => "ramdisk",
            Self::Closure => "closure",
        })
    }
}
