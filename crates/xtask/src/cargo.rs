//! Running cargo.

use std::env;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::thread;

use netboot_testbed::workspace_directory;

use crate::error::Error;

/// Runs the tests and returns their exit code.
pub(crate) fn test(arguments: &[String]) -> Result<ExitCode, Error> {
    let mut command = cargo();
    command.args(test_arguments(arguments));
    if env::var_os("RUST_TEST_THREADS").is_none() {
        command.env("RUST_TEST_THREADS", test_threads().to_string());
    }
    exit_code(&mut command)
}

/// Runs a command to its end, and returns its exit code.
pub(crate) fn exit_code(command: &mut Command) -> Result<ExitCode, Error> {
    let status = command
        .status()
        .map_err(|source| Error::Start { program: command.get_program().into(), source })?;
    // There is no code if a signal ended the program.
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(ExitCode::from(code))
}

/// The number of tests that run side by side: twice as many as there are cores, because most tests
/// wait for servers and machines most of the time.
fn test_threads() -> usize {
    2 * thread::available_parallelism().map_or(1, NonZero::get)
}

/// The arguments that test the whole workspace, or the packages that the caller names.
fn test_arguments(arguments: &[String]) -> Vec<String> {
    let names_packages = arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| argument.starts_with("-p") || argument.starts_with("--package"));
    let workspace = (!names_packages).then_some("--workspace");
    ["test", "--all-features"]
        .into_iter()
        .chain(workspace)
        .map(str::to_owned)
        .chain(arguments.iter().cloned())
        .collect()
}

/// Builds the program `netboot` and the examples, and returns their directory.
pub(crate) fn build_programs() -> Result<PathBuf, Error> {
    let mut command = cargo();
    command.args(["build", "--package", "netboot-cli", "--package", "netboot-examples", "--bins"]);
    step("compiling the programs", &mut command)?;
    // Cargo puts the programs of one profile into one directory, which also has this program.
    let program = env::current_exe().map_err(|source| Error::Io {
        action: "find",
        path: "/proc/self/exe".into(),
        source,
    })?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn all_features_of_every_package_are_tested() {
        assert_eq!(test_arguments(&[]), words("test --all-features --workspace"));
        let filter = words("profile -- -p");
        assert_eq!(test_arguments(&filter), words("test --all-features --workspace profile -- -p"));
    }

    #[test]
    fn packages_that_the_caller_names_are_tested_alone() {
        let arguments = words("-p netboot-nix -- --nocapture");
        assert_eq!(
            test_arguments(&arguments),
            words("test --all-features -p netboot-nix -- --nocapture")
        );
    }
}
