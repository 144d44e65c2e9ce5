//! `deny.toml` lets no new duplicate, no other licence and no second TLS stack in.

use std::fs;
use std::process::Command;

use netboot_testbed::{Testbed, workspace_directory};

/// Runs cargo-deny with an altered `deny.toml`; returns an error with its report if it fails.
fn check(alter: impl Fn(&str) -> String) -> Result<(), String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deny.toml");
    let deny = fs::read_to_string(workspace_directory().join("deny.toml")).unwrap();
    fs::write(&path, alter(&deny)).unwrap();
    let mut command = Command::new(Testbed::locate().program("cargo-deny"));
    command.current_dir(workspace_directory()).arg("--config").arg(&path);
    command.args(["check", "--hide-inclusion-graph", "bans", "licenses", "sources"]);
    let output = command.output().unwrap();
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(report) }
}

#[test]
fn what_deny_toml_does_not_list_is_refused() {
    check(str::to_owned).unwrap();

    let error = check(|deny| deny.replace("digest@0.10\"", "absent@0.10\"")).unwrap_err();
    assert!(error.contains("2 duplicate entries for crate 'digest'"), "{error}");
    let error = check(|deny| deny.replace("    \"MIT\",\n", "")).unwrap_err();
    assert!(error.contains("license is not explicitly allowed"), "{error}");
    let error = check(|deny| deny.replace("\"ring\"", "\"aws-lc-rs\"")).unwrap_err();
    assert!(error.contains("crate 'aws-lc-rs = ") && error.contains("banned"), "{error}");
}
