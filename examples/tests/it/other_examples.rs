//! `custom-builder` and `prebuilt`, run as documented. What they make boots.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use netboot_testbed::{HermeticNix, Testbed};
use tempfile::TempDir;

use crate::netboot_program::netboot;

/// Runs a program with an empty Nix of its own, and returns its output.
fn run(program: impl AsRef<OsStr>, directory: &Path, arguments: &[&str]) -> String {
    let (program, nix) = (program.as_ref(), HermeticNix::new());
    let mut command = Command::new(program);
    let output = command.args(arguments).envs(nix.environment()).current_dir(directory).output();
    let output = output.unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let said = format!("{stdout}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{} {arguments:?}: {said}", program.display());
    said
}

/// Builds the worker of the test flake into a directory below this one.
fn build_worker(directory: &Path, generation: &str, output: &str) {
    let flake = Testbed::locate().write_flake(&directory.join("flake"), generation);
    let build = ["build", "--flake", &flake, "--profile", "worker", "--output-dir", output];
    run(netboot(), directory, &build);
}

#[test]
fn what_a_custom_builder_made_boots() {
    let (testbed, directory) = (Testbed::locate(), TempDir::new().unwrap());
    let kernel = testbed.kernel().display().to_string();
    let busybox = testbed.busybox().display().to_string();
    // Not a busybox: the hint says what to give instead.
    let refused = Command::new(env!("CARGO_BIN_EXE_custom-builder"))
        .args(["--kernel", &kernel, "--busybox", "/bin/false", "--publish", "pxe"])
        .current_dir(directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success(), "{said}");
    assert!(said.contains("check that `/bin/false` is a busybox with the applet cpio"), "{said}");
    assert!(!directory.path().join("pxe").exists());

    let arguments = ["--kernel", &kernel, "--busybox", &busybox, "--publish", "pxe"];
    run(env!("CARGO_BIN_EXE_custom-builder"), directory.path(), &arguments);
    let said = run(
        netboot(),
        directory.path(),
        &["boot", "./pxe", "--verbose", "--profile", "rescue", "--expect", "RESCUE-READY"],
    );
    assert!(said.contains("RESCUE-READY init=/init"), "{said}");
}

#[test]
fn what_netboot_built_is_published_as_prebuilt_and_boots() {
    let place = TempDir::new().unwrap();
    build_worker(place.path(), "prebuilt", "artifacts");
    run(
        env!("CARGO_BIN_EXE_prebuilt"),
        place.path(),
        &["artifacts/worker", "--profile", "edge", "--publish", "pxe"],
    );
    let said = run(
        netboot(),
        place.path(),
        &["boot", "./pxe", "--verbose", "--profile", "edge", "--expect", "NETBOOT-READY worker"],
    );
    assert!(said.contains("NETBOOT-GENERATION prebuilt"), "{said}");
}

#[test]
fn the_output_folder_boots_from_any_web_server() {
    let place = TempDir::new().unwrap();
    build_worker(place.path(), "folder", "out");
    run(netboot(), place.path(), &["boot", "out/worker", "--expect", "NETBOOT-READY worker"]);
}
