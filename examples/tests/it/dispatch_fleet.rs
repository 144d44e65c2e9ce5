//! `dispatch-fleet`, run as its documentation says.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::workplace::Workplace;

const MACHINES: &str = r#"[
  { "name": "node-1", "keys": [{ "mac": "52:54:00:12:34:56" }],
    "parameters": ["netboot.node=node-1"] },
  { "name": "node-2", "keys": [{ "serial": "SN 7" }, { "asset-tag": "R3-17" }] }
]"#;

/// Runs the program with this list. Returns whether it succeeded, and its output.
fn publish(directory: &Path, machines: &str) -> (bool, String) {
    fs::write(directory.join("machines.json"), machines).unwrap();
    let arguments = ["artifacts/worker", "--machines", "machines.json", "--publish", "pxe"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_dispatch-fleet"));
    let output = command.args(arguments).current_dir(directory).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    (output.status.success(), format!("{stdout}{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn a_list_of_machines_is_published_and_a_list_with_a_tie_is_not() {
    let place = Workplace::new();
    place.succeeds(&["--flake", &place.flake("fleet"), "--profile", "worker"]);
    let (succeeded, said) =
        publish(place.path(), &MACHINES.replace("SN 7", "to be filled by o.e.m."));
    assert!(!succeeded && said.contains("what to do:"), "{said}");
    let tie = MACHINES.replace(r#"{ "serial": "SN 7" }"#, r#"{ "mac": "52-54-00-12-34-56" }"#);
    let (succeeded, said) = publish(place.path(), &tie);
    assert!(!succeeded && said.contains("neither is more specific"), "{said}");
    assert!(!place.path().join("pxe").exists());

    let (succeeded, said) = publish(place.path(), MACHINES);
    assert!(succeeded && said.contains("2 machines boot worker by boot.ipxe"), "{said}");
    let releases = fs::read_dir(place.path().join("pxe/releases")).unwrap();
    let release = releases.map(|entry| entry.unwrap().path()).next().unwrap();
    let dispatch = fs::read_to_string(release.join("boot.ipxe")).unwrap();
    assert!(
        dispatch.contains(":mac-52-54-00-12-34-56\nset netboot-machine node-1\n"),
        "{dispatch}"
    );
    assert!(dispatch.contains("unknown machines are refused"), "{dispatch}");
}
