//! An operator's choice of the form of the store.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// An operator's choice of the form of the store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum StoreChoice {
    /// In memory if it fits there, else in compressed memory. A disk cache is used if there is one.
    #[default]
    Auto,
    /// In memory.
    Tmpfs,
    /// In compressed memory. Where zram cannot be used, in memory if it fits there.
    Zram,
    /// Like `Auto`, with a warning if there is no disk cache.
    Disk,
}

impl FromStr for StoreChoice {
    type Err = Error;

    /// # Errors
    /// [`Error::BootParameter`].
    fn from_str(text: &str) -> Result<Self, Error> {
        let choices = [Self::Auto, Self::Tmpfs, Self::Zram, Self::Disk];
        let malformed = || Error::boot_parameter(text, "auto, tmpfs, zram or disk");
        choices.into_iter().find(|choice| choice.to_string() == text).ok_or_else(malformed)
    }
}

impl fmt::Display for StoreChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Tmpfs => "tmpfs",
            Self::Zram => "zram",
            Self::Disk => "disk",
        })
    }
}
