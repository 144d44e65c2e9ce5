//! The error of everything in this crate that can fail.

use std::convert::Infallible;

use crate::build::capabilities::NAMES;

/// The errors of naming or describing a build of iPXE.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no build with this name.
    #[error("there is no iPXE build `{name}`")]
    UnknownBuild {
        /// The first 80 characters of the name.
        name: String,
    },

    /// The description of a build contradicts itself or iPXE.
    #[error("the iPXE build `{name}` cannot be used: {problem}")]
    InvalidBuild {
        /// The first 80 characters of its name.
        name: String,
        /// The problem with it.
        problem: String,
    },
}

/// A build that exists already. Functions that take a name or a build need this conversion.
impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl Error {
    /// Tells an operator what to do about the error, in one sentence.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownBuild { .. } => format!("choose one of: {}", NAMES.join(", ")),
            Self::InvalidBuild { .. } => {
                "name commands and options as the build itself prints them for `help` and `--help`, \
                 and give the build its own name and a platform"
                    .to_owned()
            }
        })
    }
}
