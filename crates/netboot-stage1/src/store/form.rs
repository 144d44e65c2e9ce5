//! The decision between the forms of the store.

use std::fmt;

use netboot_closure::boot_parameter::StoreChoice;

use crate::error::Error;
use crate::store::zram::algorithm::ZramAlgorithm;
use crate::store::zram::problem::ZramNeed;

/// The form that a store has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreForm {
    /// Files in memory, usually in a tmpfs.
    Tmpfs,
    /// An ext4 file system on a compressed disk in memory.
    Zram(ZramAlgorithm),
}

impl fmt::Display for StoreForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tmpfs => f.write_str("tmpfs"),
            Self::Zram(algorithm) => write!(f, "zram with {algorithm}"),
        }
    }
}

/// Decides whether the store goes on zram. `tmpfs` and `zram` are what the forms need, with what
/// everything else needs beside them.
pub(crate) fn is_zram(
    choice: StoreChoice,
    tmpfs: u64,
    zram: &ZramNeed,
    available: u64,
) -> Result<bool, Error> {
    let fits_zram = zram.bytes().is_some_and(|needed| needed <= available);
    let fits_tmpfs = tmpfs <= available;
    match choice {
        StoreChoice::Zram if fits_zram => Ok(true),
        _ if fits_tmpfs => Ok(false),
        StoreChoice::Auto | StoreChoice::Disk if fits_zram => Ok(true),
        _ => Err(Error::Memory { tmpfs, zram: zram.clone(), available }),
    }
}
