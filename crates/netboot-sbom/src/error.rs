//! The errors of this crate.

use foreign_text::ForeignText;
use netboot_core::{BackendError, ErrorClass};

/// The errors of this crate.
///
/// `Display` says what failed. [`hint`](Self::hint) gives a remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text is not an SBOM that this crate can read.
    #[error("the SBOM cannot be understood: {problem}")]
    UnreadableSbom {
        /// The problem.
        problem: ForeignText,
    },

    /// A document cannot be written as JSON.
    #[error("the {document} cannot be written: {problem}")]
    Unwritable {
        /// The document.
        document: netboot_core::DocumentKind,
        /// The problem.
        problem: ForeignText,
    },

    /// An image does not take a document.
    #[error(transparent)]
    Image(#[from] netboot_core::Error),
}

impl Error {
    pub(crate) fn unreadable(problem: impl AsRef<str>) -> Self {
        Self::UnreadableSbom { problem: ForeignText::new(problem.as_ref()) }
    }

    /// Returns a remedy.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnreadableSbom { .. } => Some(
                "compare releases whose SBOMs `netboot build --sbom` wrote; build and publish the \
                 release again to get one"
                    .to_owned(),
            ),
            Self::Unwritable { .. } => Some(
                "give the image its hashes as Nix writes them: `sha256-` and the digest in Base64"
                    .to_owned(),
            ),
            Self::Image(error) => error.hint(),
        }
    }
}

impl BackendError for Error {
    fn hint(&self) -> Option<String> {
        self.hint()
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::UnreadableSbom { .. } => ErrorClass::Damaged,
            Self::Unwritable { .. } => ErrorClass::Failed,
            Self::Image(error) => error.class(),
        }
    }
}
