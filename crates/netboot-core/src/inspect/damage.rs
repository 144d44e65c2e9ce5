//! The reasons why reading an initrd stops early.

use std::io;

use crate::error::Error;
use crate::inspect::initrd_format::InitrdFormat;

/// The reason why reading stopped early.
pub(super) enum Damage {
    Problem(String),
    Format(InitrdFormat),
    /// The bytes end in the middle of something.
    Cut,
    Unreadable(io::Error),
    Cancelled,
}

impl Damage {
    pub(super) fn problem(text: &str) -> Self {
        Self::Problem(text.to_owned())
    }
}

impl From<InitrdFormat> for Damage {
    fn from(format: InitrdFormat) -> Self {
        Self::Format(format)
    }
}

impl From<io::Error> for Damage {
    fn from(error: io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<InitrdFormat>());
        match error.kind() {
            _ if inner.is_some() => inner.map_or(Self::Cut, |format| Self::Format(*format)),
            io::ErrorKind::UnexpectedEof => Self::Cut,
            // An error with a number is from the operating system, any other from a decompressor.
            _ if error.raw_os_error().is_some() => Self::Unreadable(error),
            _ => Self::Problem(error.to_string()),
        }
    }
}

impl From<Error> for Damage {
    fn from(error: Error) -> Self {
        match error {
            Error::Io { source, .. } => source.into(),
            Error::Cancelled => Self::Cancelled,
            error => Self::Problem(error.to_string()),
        }
    }
}
