//! The tests of the workspace, or those that the caller selects.

use std::env;
use std::num::NonZero;
use std::process::{Command, ExitCode};
use std::thread;

use crate::cargo::{SELF, cargo, exit_code, succeeds};
use crate::error::Error;
use crate::executables::{Job, TestRun};

/// The number of tests that each executable runs side by side in a run of all tests, in which as
/// many executables run as there are cores. Most tests wait for servers and machines most of the
/// time.
const THREADS_OF_WHOLE_RUN: usize = 3;

/// Runs the tests and returns their exit code.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, Error> {
    if let Some((goes_on, arguments)) = whole_run(arguments) {
        return whole(arguments, goes_on, Vec::new());
    }
    let mut command = cargo();
    command.args(test_arguments(arguments));
    if !are_threads_chosen() {
        // Most tests wait for servers and machines most of the time.
        command.env("RUST_TEST_THREADS", (2 * cores()).to_string());
    }
    exit_code(&mut command)
}

/// Runs all checks that a change has to pass. The lints, the dependencies and the documentation are
/// checked beside the tests, which wait for servers and machines most of the time.
pub(crate) fn check() -> Result<ExitCode, Error> {
    let mut format = cargo();
    if !succeeds(format.args(["fmt", "--all", "--", "--check"]))? {
        return Ok(ExitCode::FAILURE);
    }
    let mut lints = cargo();
    lints.args(["clippy", "--workspace", "--all-targets", "--all-features", "--quiet"]);
    lints.args(["--", "-D", "warnings"]);
    let this = env::current_exe().map_err(|source| Error::io("find", SELF.as_ref(), source))?;
    let chore = |name: &str| {
        let mut command = Command::new(&this);
        command.arg(name);
        Job { name: name.to_owned(), command }
    };
    let lints = Job { name: "lints".to_owned(), command: lints };
    whole(&[], true, vec![lints, chore("check-dependencies"), chore("docs")])
}

/// Runs all tests, and other jobs beside them.
fn whole(arguments: &[String], goes_on: bool, beside: Vec<Job>) -> Result<ExitCode, Error> {
    let threads = (!are_threads_chosen()).then_some(THREADS_OF_WHOLE_RUN);
    TestRun { arguments, goes_on, side_by_side: cores(), threads, beside }.run()
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Returns true if the caller chose the number of tests that run side by side.
fn are_threads_chosen() -> bool {
    env::var_os("RUST_TEST_THREADS").is_some()
}

/// Returns what a run of all tests is told: whether it goes on after a failure, and the arguments
/// of the executables. `None` if cargo has to select the tests, or to do something else.
fn whole_run(arguments: &[String]) -> Option<(bool, &[String])> {
    let end = arguments.iter().position(|argument| argument == "--");
    let (for_cargo, rest) = arguments.split_at(end.unwrap_or(arguments.len()));
    let goes_on = match for_cargo {
        [] => false,
        [option] if option == "--no-fail-fast" => true,
        _ => return None,
    };
    Some((goes_on, rest.get(1..).unwrap_or_default()))
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
    fn executables_run_side_by_side_if_cargo_need_not_select_tests() {
        assert_eq!(whole_run(&[]), Some((false, &[][..])));
        let arguments = words("--no-fail-fast -- --skip boot");
        assert_eq!(whole_run(&arguments), Some((true, &words("--skip boot")[..])));
        assert_eq!(whole_run(&words("-p netboot-nix")), None);
        assert_eq!(whole_run(&words("profile -- --nocapture")), None);
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
