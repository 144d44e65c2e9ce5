//! Errors of running a program.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An error of running a program.
///
/// A program that runs and fails is not an error: see [`Finished`](crate::Finished).
/// Arguments are left out, because they may hold secrets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The program could not be started.
    #[error("cannot start `{}`", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Reading the program's output or waiting for its end failed.
    #[error("cannot read the output of `{}`", program.display())]
    Output {
        /// The program.
        program: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The input that the caller supplied could not be read, or not be passed on.
    #[error("cannot read the input for `{}`", program.display())]
    Input {
        /// The program.
        program: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The program printed more than its [`output_limit`](crate::Command::output_limit).
    #[error("`{}` printed more than {limit} bytes", program.display())]
    TooMuchOutput {
        /// The program.
        program: PathBuf,
        /// The limit in bytes.
        limit: usize,
    },
    /// The program ran longer than its [`time_limit`](crate::Command::time_limit).
    #[error("`{}` ran longer than {} s", program.display(), limit.as_secs_f64())]
    TimedOut {
        /// The program.
        program: PathBuf,
        /// The limit.
        limit: Duration,
    },
    /// The run was cancelled.
    #[error("`{}` was cancelled", program.display())]
    Cancelled {
        /// The program.
        program: PathBuf,
    },
}

impl Error {
    /// The program.
    pub fn program(&self) -> &Path {
        match self {
            Self::Start { program, .. }
            | Self::Output { program, .. }
            | Self::Input { program, .. }
            | Self::TooMuchOutput { program, .. }
            | Self::TimedOut { program, .. }
            | Self::Cancelled { program } => program,
        }
    }

    /// A remedy for the error.
    pub fn hint(&self) -> Option<String> {
        let Self::Start { program, source } = self else { return None };
        let program = program.display();
        match source.kind() {
            io::ErrorKind::NotFound => Some(format!(
                "install `{program}`, or add its directory to PATH; also check that the working \
                 directory of the program exists"
            )),
            io::ErrorKind::PermissionDenied => {
                Some(format!("check that this user may execute `{program}`"))
            }
            io::ErrorKind::WouldBlock => {
                Some("raise the limit on processes of this user (`ulimit -u`)".to_owned())
            }
            _ => None,
        }
    }
}

/// The reason, with its kind: `FileTooLarge` for too much output, `TimedOut` for a program that ran
/// too long, `Interrupted` for a cancelled run.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Start { source, .. }
            | Error::Output { source, .. }
            | Error::Input { source, .. } => source,
            error @ Error::TooMuchOutput { .. } => Self::new(io::ErrorKind::FileTooLarge, error),
            error @ Error::TimedOut { .. } => Self::new(io::ErrorKind::TimedOut, error),
            Error::Cancelled { .. } => io::ErrorKind::Interrupted.into(),
        }
    }
}
