//! Writing to standard output.

use std::io::{self, ErrorKind, Write};

/// Writes an answer, help or a version.
///
/// # Errors
/// A line that says why it cannot be written. A reader that went away, as `head` does, is no error.
pub(crate) fn write(text: &str) -> Result<(), String> {
    let mut output = io::stdout().lock();
    written(output.write_all(text.as_bytes()))
}

/// Writes out what is buffered, after a text was `written`.
///
/// # Errors
/// The errors of [`write`].
pub(crate) fn written(written: io::Result<()>) -> Result<(), String> {
    match written.and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("error: the answer cannot be written: {error}"))
        }
        _ => Ok(()),
    }
}
