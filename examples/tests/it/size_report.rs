//! The program `size-report` on the test flake.

use std::path::Path;
use std::process::{Command, Output};

use netboot_testbed::{HermeticNix, Testbed};
use tempfile::TempDir;

fn size_report(arguments: &[&str]) -> Output {
    size_report_of(|_| (), arguments)
}

/// The report of the worker of the test flake, after `change` has changed the flake's directory.
pub(crate) fn size_report_of(change: impl FnOnce(&Path), arguments: &[&str]) -> Output {
    let (directory, nix) = (TempDir::new().unwrap(), HermeticNix::new());
    let flake = Testbed::locate().write_flake(&directory.path().join("flake"), "size");
    change(&directory.path().join("flake"));
    Command::new(env!("CARGO_BIN_EXE_size-report"))
        .current_dir(directory.path())
        .envs(nix.environment())
        .args(["--flake", &flake, "--profile", "worker"])
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_table_names_the_system_and_what_it_needs() {
    let output = size_report(&[]);
    assert!(output.status.success(), "{}", text(output.stderr));
    let table = text(output.stdout);
    assert!(table.starts_with("worker: a machine fetches"), "{table}");
    assert!(table.contains("busybox-applets (the system needs it directly)"), "{table}");
    assert!(table.contains("nixos-system-netboot-worker (the system)"), "{table}");
    // 96 MiB for firmware and kernel, and a few for the small initrd.
    assert!(table.contains("a machine needs 10") && table.contains(" MiB of memory"), "{table}");
}

#[test]
fn json_has_every_path_and_the_exit_code_says_that_the_budget_is_spent() {
    let output = size_report(&["--format", "json", "--budget", "1000"]);
    assert_eq!(output.status.code(), Some(3));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let paths = report["paths"].as_array().unwrap();
    let sizes = paths.iter().map(|path| path["own_size"].as_u64().unwrap());
    assert_eq!(report["closure"].as_u64().unwrap(), sizes.sum::<u64>());
    assert_eq!(report["budget"], 1000);
}
