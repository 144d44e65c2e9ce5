//! Why reading an initrd ended early.

use std::io;

/// Why reading ended early.
pub(super) enum Damage {
    Problem(String),
    Unreadable(io::Error),
    Cancelled,
}

impl Damage {
    pub(super) fn problem(text: &str) -> Self {
        Self::Problem(text.to_owned())
    }

    /// The kernel takes archives only at multiples of four bytes (`do_reset` in
    /// `init/initramfs.c`).
    pub(super) fn padding() -> Self {
        Self::problem("a cpio archive begins at no multiple of four bytes")
    }
}

impl From<io::Error> for Damage {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::problem("it ends in the middle"),
            // The operating system says so; what a decompressor says has no number.
            _ if error.raw_os_error().is_some() => Self::Unreadable(error),
            _ => Self::Problem(error.to_string()),
        }
    }
}
