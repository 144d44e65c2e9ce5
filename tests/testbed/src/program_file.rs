//! Programs that a test puts into place and runs afterwards.
//!
//! Another process writes each of them. If this process wrote the file, a child that another test
//! starts at that moment would inherit the open file, and Linux would refuse to run it: "Text file
//! busy".

use std::path::Path;
use std::process::Command;

/// Copies a program, so that another user can run it.
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

/// Writes a script that everybody may run. `text` is all of it.
///
/// # Panics
/// If the script cannot be written.
#[expect(clippy::panic, reason = "a test whose set-up fails has failed")]
pub fn write_program(path: &Path, text: &str) {
    let write = r#"printf %s "$1" > "$2" && chmod 755 "$2""#;
    let written = Command::new("sh").args(["-c", write, "sh", text]).arg(path).output();
    match written {
        Ok(output) if output.status.success() => {}
        other => panic!("`{}` cannot be written: {other:?}", path.display()),
    }
}
