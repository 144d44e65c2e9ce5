//! `custom-builder` and `prebuilt`, run as documented. What they make boots.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use netboot_testbed::Testbed;
use tempfile::TempDir;

use crate::netboot_program::netboot;
use crate::workplace::Workplace;

/// Runs an example program and returns its output.
fn run(program: impl AsRef<OsStr>, directory: &Path, arguments: &[&str]) -> String {
    let program = program.as_ref();
    let output = Command::new(program).args(arguments).current_dir(directory).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let said = format!("{stdout}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{} {arguments:?}: {said}", program.display());
    said
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
    let place = Workplace::new();
    place.succeeds(&["--flake", &place.flake("prebuilt"), "--profile", "worker"]);
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
    let place = Workplace::new();
    let flake = place.flake("folder");
    place.succeeds(&["--flake", &flake, "--profile", "worker", "--output-dir", "out"]);
    run(netboot(), place.path(), &["boot", "out/worker", "--expect", "NETBOOT-READY worker"]);
}
