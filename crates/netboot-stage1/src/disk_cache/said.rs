//! The messages of the worker to its caller.

use std::io::{self, Write};

/// Tells the caller a reason, in a line of standard output.
pub(crate) fn print(reason: &str) {
    let line = format!("{}\n", reason.replace('\n', " "));
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush());
}
