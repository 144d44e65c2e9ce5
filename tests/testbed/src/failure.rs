//! Ends a test whose set-up fails.

use std::io;

/// The value, or a panic that names what could not be had.
pub(crate) fn or_fail<T>(result: io::Result<T>, what: &str) -> T {
    result.unwrap_or_else(|error| fail(&format!("{what}: {error}")))
}

/// Panics with a message.
#[expect(clippy::panic, reason = "a test whose set-up fails has failed, and says why")]
pub(crate) fn fail(message: &str) -> ! {
    panic!("{message}")
}
