//! The error of everything in this crate that can fail.

use crate::build::capabilities::NAMES;

/// What can go wrong while a build of iPXE is named or described.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name that no known build has.
    #[error("there is no iPXE build `{name}`")]
    UnknownBuild {
        /// The name, cut to its first 80 characters.
        name: String,
    },

    /// A build whose description contradicts itself or iPXE.
    #[error("the iPXE build `{name}` cannot be used: {problem}")]
    InvalidBuild {
        /// Its name, cut to its first 80 characters.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Error {
    /// What to do about the error, as a sentence for an operator.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownBuild { .. } => format!("choose one of: {}", NAMES.join(", ")),
            Self::InvalidBuild { .. } => {
                "name commands and options as `help` and `--help` print them on the build itself, \
                 and give the build a name of its own and a platform"
                    .to_owned()
            }
        })
    }
}
