//! The chores as they are called from a terminal.

use std::process::{Command, Output};

fn xtask(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(arguments).envs(environment.iter().copied()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn help_names_every_chore() {
    let output = xtask(&["--help"], &[]);
    assert!(output.status.success());
    for chore in ["setup", "demo", "test", "check-crates", "check-dependencies"] {
        assert!(text(&output.stdout).contains(chore), "{}", text(&output.stdout));
    }
}

#[test]
fn set_up_says_that_all_is_there() {
    let output = xtask(&["setup"], &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("set-up: complete"), "{}", text(&output.stdout));
}

#[test]
fn a_machine_that_is_not_debian_is_told_what_to_do() {
    let output = xtask(&["setup"], &[("PATH", "/no-such-directory")]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("this machine has no dpkg-query"), "{stderr}");
    assert!(stderr.contains("what to do: use Debian 12"), "{stderr}");
}

#[test]
fn the_exit_code_of_the_tests_is_cargos() {
    let output = xtask(&["test", "--", "--package", "no-such-package"], &[]);
    assert_eq!(output.status.code(), Some(101), "{}", text(&output.stderr));
}
