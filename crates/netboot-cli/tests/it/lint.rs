//! `netboot lint`.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// Runs the program in a directory. Returns its exit code and its output.
fn lint(directory: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netboot"));
    let output = command.arg("lint").args(arguments).current_dir(directory).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

#[test]
fn findings_have_a_place_a_code_a_hint_and_an_exit_code() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("good.ipxe"), "#!ipxe\necho hello\n").unwrap();
    fs::write(path("warned.ipxe"), "#!ipxe\nchain menu.ipxe\n").unwrap();
    fs::write(path("bad.ipxe"), "#!ipxe\necho on\npoweroff\n").unwrap();
    let lint = |arguments: &[&str]| lint(directory.path(), arguments);

    assert_eq!(lint(&["good.ipxe"]), (0, String::new()));
    let (code, said) = lint(&["warned.ipxe"]);
    assert!(code == 0 && said.contains("[unhandled-failure]"), "{said}");
    assert_eq!(lint(&["--deny-warnings", "warned.ipxe"]).0, 3);

    let (code, said) = lint(&["good.ipxe", "bad.ipxe"]);
    let expected = "bad.ipxe:3:1: error: this iPXE build has no command `poweroff` \
                    [unknown-command]\n    do without it";
    assert!(code == 3 && said.starts_with(expected), "{said}");
    assert_eq!(lint(&["--build", "trixie", "bad.ipxe"]), (0, String::new()));

    let (code, said) = lint(&["--json", "bad.ipxe"]);
    let object: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &object["errors"], &object["warnings"]), (3, &1.into(), &0.into()));
    let found = &object["findings"][0];
    assert_eq!((&found["code"], &found["line"]), (&"unknown-command".into(), &3.into()));
    assert_eq!((&found["path"], &found["severity"]), (&"bad.ipxe".into(), &"error".into()));
    assert!(found["message"].is_string() && found["hint"].is_string() && found["column"] == 1);
    let (_, said) = lint(&["--json", "good.ipxe"]);
    let object: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        object,
        serde_json::json!({ "errors": 0, "warnings": 0, "findings": [], "unread": [] })
    );
}

#[test]
fn a_file_that_cannot_be_read_does_not_end_the_run_over_the_others() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("bad.ipxe"), "#!ipxe\npoweroff\n").unwrap();
    let (code, said) = lint(directory.path(), &["bad.ipxe", "missing.ipxe"]);
    assert!(code == 1 && said.starts_with("bad.ipxe:2:1: error: "), "{said}");
    assert!(said.contains("\nerror: cannot read `missing.ipxe`"), "{said}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_netboot"));
    command.args(["lint", "--json", "missing.ipxe", "bad.ipxe"]).current_dir(directory.path());
    let object: serde_json::Value =
        serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    assert_eq!((&object["errors"], &object["unread"][0]), (&1.into(), &"missing.ipxe".into()));
    let (code, said) = lint(directory.path(), &["--build", "jessie", "bad.ipxe"]);
    assert!(code == 2 && said.contains("choose one of: bookworm, bookworm-bios"), "{said}");
}

#[test]
fn a_build_may_be_a_file() {
    let directory = TempDir::new().unwrap();
    let build = ipxe_script::IpxeBuild::default().customize("mine").command("poweroff");
    let json = serde_json::to_string(&build.build().unwrap()).unwrap();
    fs::write(directory.path().join("mine.json"), json).unwrap();
    fs::write(directory.path().join("off.ipxe"), "#!ipxe\npoweroff\n").unwrap();
    let arguments = ["--build", "@mine.json", "off.ipxe"];
    assert_eq!(lint(directory.path(), &arguments), (0, String::new()));
}

#[test]
fn scripts_of_one_call_share_their_settings() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("set.ipxe"), "#!ipxe\nset rack a\n").unwrap();
    fs::write(directory.path().join("read.ipxe"), "#!ipxe\necho ${rack}\n").unwrap();
    let (_, said) = lint(directory.path(), &["read.ipxe"]);
    assert!(said.contains("[never-set]"), "{said}");
    assert_eq!(lint(directory.path(), &["read.ipxe", "set.ipxe"]), (0, String::new()));
}
