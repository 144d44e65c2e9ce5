//! `netboot size` on the test flake.

use std::path::Path;
use std::process::{Command, Output};

use netboot_testbed::{HermeticNix, Testbed};
use serde_json::Value;
use tempfile::TempDir;

use crate::place::assert_documented;

/// The size of the worker of the test flake, after `change` has changed the flake's directory.
pub(crate) fn size_of(change: impl FnOnce(&Path), arguments: &[&str]) -> Output {
    size_in(&TempDir::new().unwrap(), change, arguments)
}

fn size_in(directory: &TempDir, change: impl FnOnce(&Path), arguments: &[&str]) -> Output {
    let nix = HermeticNix::new();
    let flake = Testbed::locate().write_flake(&directory.path().join("flake"), "size");
    change(&directory.path().join("flake"));
    Command::new(env!("CARGO_BIN_EXE_netboot"))
        .current_dir(directory.path())
        .envs(nix.environment())
        .args(["size", "--flake", &flake, "--profile", "worker"])
        .args(arguments)
        .output()
        .unwrap()
}

fn size(arguments: &[&str]) -> Output {
    size_of(|_| (), arguments)
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_table_names_the_system_and_what_it_needs() {
    let output = size(&[]);
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
    let output = size(&["--json", "--budget", "1000"]);
    assert_eq!(output.status.code(), Some(3));
    let mut object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["over_budget"], true);
    assert!(object["least_memory_mib"].as_u64().unwrap() > 96, "{object}");
    let report = &object["report"];
    let paths = report["paths"].as_array().unwrap();
    let sizes = paths.iter().map(|path| path["own_size"].as_u64().unwrap());
    assert_eq!(report["closure"].as_u64().unwrap(), sizes.sum::<u64>());
    assert_eq!(report["budget"], 1000);
    // The help has a line for the report, and not for its parts.
    object["report"] = Value::Null;
    assert_documented("size", &object);
}

#[test]
fn a_picture_is_written_to_a_file() {
    let directory = TempDir::new().unwrap();
    let output = size_in(&directory, |_| (), &["--format", "svg", "--output", "size.svg"]);
    assert_eq!(text(output.stdout), "size.svg\n");
    let picture = std::fs::read_to_string(directory.path().join("size.svg")).unwrap();
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"), "{picture}");
    assert!(picture.contains("busybox-applets"), "{picture}");
}

#[test]
fn the_flake_and_the_name_of_the_configuration_come_from_netboot_toml() {
    let (directory, nix) = (TempDir::new().unwrap(), HermeticNix::new());
    let flake = Testbed::locate().write_flake(&directory.path().join("flake"), "size");
    let written = format!(
        "[flake]\nreference = \"{flake}\"\n\n[[profiles]]\nname = \"edge\"\n\
         configuration = \"netboot-worker\"\n"
    );
    std::fs::write(directory.path().join("netboot.toml"), written).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_netboot"));
        command.args(arguments).envs(nix.environment()).current_dir(directory.path());
        command.output().unwrap()
    };
    let output = run(&["size", "--profile", "edge", "--since", "./nothing"]);
    let (table, said) = (text(output.stdout), text(output.stderr));
    assert!(table.starts_with("edge: a machine fetches"), "{said}");
    assert!(table.contains("the live release has no closure of this profile"), "{table}");
    // A name that is no target is refused before the build.
    let output = run(&["size", "--profile", "edge", "--since", "osaka"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!text(output.stderr).contains("evaluating"));
}
