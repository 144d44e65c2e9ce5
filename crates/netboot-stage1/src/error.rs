//! The errors of this crate.

use std::io;
use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The machine has too little memory for the closure.
    #[error(
        "the closure needs {} MiB of memory and {} MiB are available: {} MiB are missing",
        needed.div_ceil(1 << 20),
        available >> 20,
        needed.saturating_sub(*available).div_ceil(1 << 20)
    )]
    Memory {
        /// The needed bytes.
        needed: u64,
        /// The available bytes.
        available: u64,
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
    /// Tells an operator what to do about the error, in a sentence.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Memory { .. } => {
                "give the machine more memory, or make the closure smaller".into()
            }
            Self::Io { .. } => return None,
        })
    }
}
