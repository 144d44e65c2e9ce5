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
    for chore in
        ["setup", "demo", "flake", "test", "check-crates", "check-dependencies", "docs", "fuzz"]
    {
        assert!(text(&output.stdout).contains(chore), "{}", text(&output.stdout));
    }
}

#[test]
fn every_fuzz_target_has_a_program_and_seeds() {
    let output = xtask(&["fuzz", "--list"], &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let fuzz = netboot_testbed::workspace_directory().join("fuzz");
    let manifest: toml::Table =
        std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap().parse().unwrap();
    let programs = manifest["bin"].as_array().unwrap().iter().map(|bin| bin["name"].as_str());
    let programs: Vec<&str> = programs.map(Option::unwrap).collect();
    let listed = text(&output.stdout);
    assert_eq!(listed.lines().collect::<Vec<_>>(), programs);
    for name in programs {
        netboot_testbed::each_fuzz_seed(name, |seed| seed.len() < 100_000);
    }
}

#[test]
fn fuzzing_says_what_is_missing() {
    let output = xtask(&["fuzz", "no-such-target"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("there is no fuzz target `no-such-target`"), "{stderr}");
    assert!(stderr.contains("choose one of these: closure_blob, closure_index"), "{stderr}");

    let output = xtask(&["fuzz", "manifest"], &[("PATH", "/no-such-directory")]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("what to do: rustup toolchain install nightly"), "{stderr}");
}

#[test]
fn set_up_says_that_all_is_there() {
    let output = xtask(&["setup"], &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("set-up: complete"), "{}", text(&output.stdout));
}

#[test]
fn the_test_flake_is_written_with_its_kernel() {
    let directory = tempfile::tempdir().unwrap();
    let flake = directory.path().join("infrastructure");
    let output = xtask(&["flake", flake.to_str().unwrap()], &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("path:/"), "{}", text(&output.stdout));
    for file in ["flake.nix", "vmlinuz", "bin/busybox", "generation"] {
        assert!(flake.join(file).is_file(), "{file}");
    }
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
