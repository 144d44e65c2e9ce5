//! The errors of this crate.

use std::io;
use std::path::{Path, PathBuf};

use crate::store::zram::problem::ZramNeed;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The machine has too little memory for the closure, in each form that the store can have.
    #[error(
        "the store needs {} MiB as files in memory, and {zram}; {} MiB are available: {} MiB are \
         missing",
        tmpfs.div_ceil(1 << 20),
        available >> 20,
        self::missing(*tmpfs, zram, *available).div_ceil(1 << 20)
    )]
    Memory {
        /// The bytes that a tmpfs needs, with what everything else needs.
        tmpfs: u64,
        /// The need of zram.
        zram: ZramNeed,
        /// The available bytes.
        available: u64,
    },
    /// A file system has too little room for the closure.
    #[error(
        "the store needs {} MiB in {} and {} MiB are free",
        needed.div_ceil(1 << 20),
        directory.display(),
        free >> 20
    )]
    Room {
        /// The directory of the store.
        directory: PathBuf,
        /// The needed bytes.
        needed: u64,
        /// The free bytes.
        free: u64,
    },
    /// The store on zram needs more memory than it may take.
    #[error(
        "the store on {} took {} MiB of memory, needs more, and may take only {} MiB",
        device.display(),
        used >> 20,
        limit >> 20
    )]
    StoreFull {
        /// The device of zram.
        device: PathBuf,
        /// The bytes of memory that it takes.
        used: u64,
        /// The bytes that it may take.
        limit: u64,
    },
    /// A file of this machine cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// The operation, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    /// Tells an operator what to do about the error, in a sentence.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Memory { zram, available, .. }
                if zram.bytes().is_some_and(|needed| needed <= *available) =>
            {
                "boot with netboot.store=auto: the store fits on zram".into()
            }
            Self::Memory { .. } | Self::StoreFull { .. } => {
                "give the machine more memory, or make the closure smaller".into()
            }
            Self::Room { .. } => {
                "mount a tmpfs over the directory, or call the program with --mount".into()
            }
            Self::Io { .. } => return None,
        })
    }
}

/// The bytes that are missing for the form that needs least. If zram fits, `netboot.store` excludes
/// it.
fn missing(tmpfs: u64, zram: &ZramNeed, available: u64) -> u64 {
    let zram = zram.bytes().filter(|needed| *needed > available);
    zram.unwrap_or(tmpfs).min(tmpfs).saturating_sub(available)
}
