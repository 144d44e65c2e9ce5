//! What ends a chore.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why a chore could not be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The set-up, or the writing of the test flake.
    #[error(transparent)]
    Testbed(#[from] netboot_testbed::Error),

    /// A program could not be started.
    #[error("`{program}` cannot be started")]
    Start { program: PathBuf, source: io::Error },

    /// A program said on the terminal what went wrong.
    #[error("{step} failed ({status}); what went wrong is said above")]
    Failed { step: &'static str, status: ExitStatus },

    /// A file or directory cannot be read or written.
    #[error("cannot {action} `{path}`")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}

impl Error {
    /// The error, its causes and what to do, for a person.
    pub(crate) fn report(&self) -> String {
        let mut text = format!("error: {self}");
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let _ = write!(text, "\n  because: {error}");
            cause = error.source();
        }
        if let Some(hint) = self.hint() {
            let _ = write!(text, "\n  what to do: {hint}");
        }
        text
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Testbed(error) => error.hint(),
            Self::Start { .. } | Self::Failed { .. } => None,
            Self::Io { .. } => {
                Some("check that the disk has space and that the folder is yours".to_owned())
            }
        }
    }
}
