//! The errors of this crate.

use std::path::PathBuf;

use netboot_core::BackendError;

/// An error in the words of a command line or of `netboot.toml`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text is not the location of a target.
    #[error("`{text}` is not a target: {problem}")]
    InvalidTarget {
        /// The text.
        text: String,
        /// The problem with it.
        problem: String,
    },
    /// There is no target at a directory.
    #[error("`{}` is no directory", path.display())]
    NoSuchDirectory {
        /// The directory.
        path: PathBuf,
    },
}

impl Error {
    /// Returns a remedy, as a sentence for an operator.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::InvalidTarget { .. } => "write a directory, `s3://BUCKET/PREFIX`, \
                 `USER@HOST:/PATH`, `rsync://HOST/MODULE/PATH`, or the name of a target in \
                 netboot.toml"
                .to_owned(),
            Self::NoSuchDirectory { .. } => {
                "correct the path; a target that nobody published to has nothing to show".to_owned()
            }
        })
    }
}

impl BackendError for Error {
    fn hint(&self) -> Option<String> {
        self.hint()
    }
}
