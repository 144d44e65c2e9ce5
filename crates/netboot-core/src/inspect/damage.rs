//! The reasons why reading an initrd stops early.

use std::io;

use crate::error::Error;

/// The reason why reading stopped early.
pub(super) enum Damage {
    Problem(String),
    Unreadable(io::Error),
    Cancelled,
}

impl Damage {
    pub(super) fn problem(text: &str) -> Self {
        Self::Problem(text.to_owned())
    }

    /// An archive at a wrong position. The kernel reads archives only at multiples of four bytes
    /// (`do_reset` in `init/initramfs.c`).
    pub(super) fn padding() -> Self {
        Self::problem("a cpio archive does not begin at a multiple of four bytes")
    }
}

impl From<io::Error> for Damage {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::problem("it ends in the middle"),
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
