//! Copies of programs that a test runs afterwards.

use std::path::Path;
use std::process::Command;

/// Copies a program, so that another user can run it.
///
/// Another process does it. If this process wrote the file, a child that another test starts at
/// that moment would inherit the open file, and Linux would refuse to run it: "Text file busy".
///
/// # Panics
/// If the program cannot be copied.
#[expect(clippy::panic, reason = "a test whose set-up fails has failed")]
pub fn copy_program(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("--").args([from, to]).output();
    match copied {
        Ok(output) if output.status.success() => {}
        other => panic!("`{}` cannot be copied: {other:?}", from.display()),
    }
}
