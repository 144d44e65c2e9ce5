//! Running cargo.

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use netboot_testbed::workspace_directory;

use crate::error::Error;

/// The place where Linux has this program.
pub(crate) const SELF: &str = "/proc/self/exe";

/// Runs a command to its end, and returns its exit code.
pub(crate) fn exit_code(command: &mut Command) -> Result<ExitCode, Error> {
    let status = command
        .status()
        .map_err(|source| Error::Start { program: command.get_program().into(), source })?;
    // There is no code if a signal ended the program.
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(ExitCode::from(code))
}

/// Builds the program `netboot` and the examples, and returns their directory.
pub(crate) fn build_programs() -> Result<PathBuf, Error> {
    let mut command = cargo();
    command.args(["build", "--package", "netboot-cli", "--package", "netboot-examples", "--bins"]);
    step("compiling the programs", &mut command)?;
    // Cargo puts the programs of one profile into one directory, which also has this program.
    let program = env::current_exe().map_err(|source| Error::io("find", SELF.as_ref(), source))?;
    Ok(program.parent().map(PathBuf::from).unwrap_or_default())
}

/// A command of the cargo that runs this program, in the root of the work tree.
pub(crate) fn cargo() -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(workspace_directory());
    command
}

/// Runs a command to its end, and returns true if it succeeds.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool, Error> {
    let status = command
        .status()
        .map_err(|source| Error::Start { program: command.get_program().into(), source })?;
    Ok(status.success())
}

/// Runs a command to its end, which has to be a success.
pub(crate) fn step(step: &'static str, command: &mut Command) -> Result<(), Error> {
    let status = command
        .status()
        .map_err(|source| Error::Start { program: command.get_program().into(), source })?;
    if status.success() { Ok(()) } else { Err(Error::Failed { step, status }) }
}
