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
    let output = size_of(with_what_it_can_do_without, &["--json", "--budget", "1000"]);
    assert_eq!(output.status.code(), Some(3));
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["over_budget"], true);
    assert!(object["least_memory_mib"].as_u64().unwrap() > 96, "{object}");
    let paths = object["paths"].as_array().unwrap();
    let sizes = paths.iter().map(|path| path["own_bytes"].as_u64().unwrap());
    assert_eq!(object["closure_bytes"].as_u64().unwrap(), sizes.sum::<u64>());
    assert_eq!(object["budget_bytes"], 1000);
    let (kernel, initrds) = (&object["kernel_bytes"], &object["initrds_bytes"]);
    let fetched = kernel.as_u64().unwrap() + initrds.as_u64().unwrap();
    assert_eq!(object["fetched_bytes"], fetched);
    assert_eq!(object["duplicates"][0]["versions"][1]["version"], "2.0", "{object}");
    assert_eq!(object["findings"][0]["problem"], "source", "{object}");
    assert_documented("size", &object);
}

/// Adds a package in two versions, and a source of a MiB.
fn with_what_it_can_do_without(flake: &Path) {
    let file = flake.join("configuration.nix");
    let text = std::fs::read_to_string(&file).unwrap();
    let added = r#"added = [
          (builtins.toFile "tool-1.0" "one")
          (builtins.toFile "tool-2.0" "two")
          (builtins.toFile "large-source" (
            builtins.concatStringsSep "" (builtins.genList (_: "0123456789abcdef") 70000)
          ))
        ];
        init = ./init.sh;"#;
    let (init, directories) = ("init = ./init.sh;", "mkdir -p \"$out/services\" \"$out/etc\"\n");
    for part in [init, directories] {
        assert_eq!(text.matches(part).count(), 1, "the test flake has changed: {part}");
    }
    let listed = format!("{directories}        echo \"$added\" > \"$out/added\"\n");
    std::fs::write(file, text.replace(init, added).replace(directories, &listed)).unwrap();
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
