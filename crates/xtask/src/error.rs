//! Errors of the chores.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// The reason why a chore failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The set-up failed, or the test flake could not be written.
    #[error(transparent)]
    Testbed(#[from] netboot_testbed::Error),

    /// A program could not be started.
    #[error("cannot start `{program}`")]
    Start { program: PathBuf, source: io::Error },

    /// A program failed and printed its error on the terminal.
    #[error("{step} failed ({status}); see the error above")]
    Failed { step: &'static str, status: ExitStatus },

    /// mdBook warned of something in the book.
    #[error("mdBook warns:\n{warnings}")]
    BookWarnings { warnings: String },

    /// There is no such fuzz target.
    #[error("there is no fuzz target `{name}`")]
    NoFuzzTarget { name: String, targets: Vec<String> },

    /// The nightly toolchain, which fuzzing needs, is missing.
    #[error("fuzzing needs Rust's nightly toolchain, and `rustup run nightly rustc` fails")]
    NoNightly,

    /// A file or directory cannot be read or written.
    #[error("cannot {action} `{path}`")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}

impl Error {
    /// A file or directory that cannot be read or written.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    /// The error, its causes and its remedy, for a person.
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
            Self::Start { .. } | Self::Failed { .. } | Self::BookWarnings { .. } => None,
            Self::NoFuzzTarget { targets, .. } => {
                Some(format!("choose one of these: {}", targets.join(", ")))
            }
            Self::NoNightly => Some("rustup toolchain install nightly".to_owned()),
            Self::Io { .. } => Some(
                "check that the disk has space, and that this user can write to the directory"
                    .to_owned(),
            ),
        }
    }
}
