//! Running the programs of Debian's package management.

use std::fs::File;
use std::process::{Command, Output, Stdio};

use crate::Error;

/// The number of lines of standard error in an error.
const STDERR_LINES: usize = 20;

/// Runs a command to its end, without standard input and in the C locale.
pub(crate) fn output(command: &mut Command) -> Result<Output, Error> {
    let command = command.stdin(Stdio::null()).env("LC_ALL", "C");
    command.output().map_err(|source| Error::Start { program: program(command), source })
}

/// Returns the output of a command; an error if it fails.
pub(crate) fn stdout(command: &mut Command) -> Result<String, Error> {
    let output = succeed(command, Stdio::piped())?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Writes the output of a command into a file; an error if it fails.
pub(crate) fn stdout_to(command: &mut Command, file: File) -> Result<(), Error> {
    succeed(command, file.into()).map(|_| ())
}

fn succeed(command: &mut Command, stdout: Stdio) -> Result<Output, Error> {
    let output = output(command.stdout(stdout))?;
    if output.status.success() {
        return Ok(output);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = stderr.lines().collect();
    let last = lines[lines.len().saturating_sub(STDERR_LINES)..].join("\n");
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    let words: Vec<String> = std::iter::once(program(command)).chain(arguments).collect();
    Err(Error::Failed { command: words.join(" "), status: output.status, stderr: last })
}

fn program(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}
