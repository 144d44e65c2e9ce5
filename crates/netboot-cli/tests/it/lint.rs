//! `netboot lint`.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::place::assert_documented;

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
fn machines_with_secure_boot_start_only_what_is_signed() {
    let directory = TempDir::new().unwrap();
    let script = "#!ipxe\nimgfree\nkernel worker.efi || exit 1\nboot || exit 1\n";
    fs::write(directory.path().join("a.ipxe"), script).unwrap();
    let lint = |arguments: &[&str]| lint(directory.path(), arguments);
    assert_eq!(lint(&["a.ipxe"]), (0, String::new()));
    let (code, said) = lint(&["a.ipxe", "--secure-boot"]);
    assert!(code == 3 && said.contains("[unsigned-program]"), "{said}");
    assert_eq!(lint(&["a.ipxe", "--secure-boot", "--uki", "worker.efi"]), (0, String::new()));
    assert_eq!(lint(&["a.ipxe", "--secure-boot", "--signed", "worker.efi"]), (0, String::new()));
    let (code, said) = lint(&["a.ipxe", "--uki", "worker.efi"]);
    assert!(code == 2 && said.contains("--secure-boot"), "{said}");
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
    let unread = &object["unread"][0];
    assert_eq!((&object["errors"], &unread["path"]), (&1.into(), &"missing.ipxe".into()));
    assert_eq!(unread["message"], "cannot read `missing.ipxe`");
    assert!(unread["causes"][0].as_str().unwrap().contains("No such file"), "{object}");
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

#[test]
fn a_file_that_is_no_script_has_one_finding() {
    let directory = TempDir::new().unwrap();
    let kernel: Vec<u8> =
        (0..200_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    fs::write(directory.path().join("bzImage"), kernel).unwrap();
    let (code, said) = lint(directory.path(), &["bzImage"]);
    assert!(code == 3 && said.starts_with("bzImage:1:1: error: ") && said.contains("[magic]"));
    assert_eq!(said.lines().count(), 2, "{said}");
    let (_, said) = lint(directory.path(), &["bzImage", "--json"]);
    let object: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&object["errors"], &object["warnings"]), (&1.into(), &0.into()), "{object}");
}

#[test]
fn findings_of_each_file_are_bounded_and_errors_come_first() {
    let directory = TempDir::new().unwrap();
    let many = format!("#!ipxe\n{}poweroff\n", "sleep 0\n".repeat(120));
    fs::write(directory.path().join("many.ipxe"), &many).unwrap();
    fs::write(directory.path().join("few.ipxe"), "#!ipxe\npoweroff\n").unwrap();
    let (code, said) = lint(directory.path(), &["many.ipxe", "few.ipxe"]);
    assert_eq!(code, 3, "{said}");
    assert_eq!(said.matches("[zero-sleep]").count(), 49, "{said}");
    assert!(said.contains("many.ipxe:122:1: error: "), "{said}");
    assert!(
        said.contains("\nmany.ipxe: 71 more findings: `--json` prints all of them\n"),
        "{said}"
    );
    assert!(said.contains("\nfew.ipxe:2:1: error: ") && !said.contains("few.ipxe: "), "{said}");
    // The hint.
    let (_, said) = lint(directory.path(), &["many.ipxe", "--json"]);
    let object: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(object["findings"].as_array().unwrap().len(), 121);
}

/// The linter has a script for each kind of finding.
#[test]
fn the_help_describes_the_fields_of_every_kind_of_finding() {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ipxe-script/tests/lint");
    // A build with commands that no stock build has.
    let directory = TempDir::new().unwrap();
    let verifying = ipxe_script::IpxeBuild::default().customize("verifying");
    let verifying = verifying.command("imgtrust").command("imgverify").build().unwrap();
    let file = directory.path().join("verifying.json");
    fs::write(&file, serde_json::to_string(&verifying).unwrap()).unwrap();
    let verifying = format!("@{}", file.display());
    let mut all = json!({ "errors": 0, "warnings": 0, "findings": [], "unread": [] });
    for entry in fs::read_dir(&scripts).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let path = format!("{name}/bad.ipxe");
        let text = String::from_utf8_lossy(&fs::read(scripts.join(&path)).unwrap()).into_owned();
        let build = text.lines().nth(1).and_then(|line| line.strip_prefix("# build: "));
        let build =
            build.map_or("bookworm", |name| if name == "verifying" { &verifying } else { name });
        let arguments = ["--json", "--build", build, &path, "no-such-file"];
        let mut command = Command::new(env!("CARGO_BIN_EXE_netboot"));
        command.arg("lint").args(arguments);
        if ["\n# signed: ", "\n# uki: "].iter().any(|line| text.contains(line)) {
            command.arg("--secure-boot");
        }
        for (prefix, option) in [("# signed: ", "--signed"), ("# uki: ", "--uki")] {
            let names = text.lines().find_map(|line| line.strip_prefix(prefix)).unwrap_or_default();
            for name in names.split(' ').filter(|name| !name.is_empty()) {
                command.args([option, name]);
            }
        }
        let output = command.current_dir(&scripts).output().unwrap();
        let object: Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = object["findings"].as_array().unwrap();
        assert!(findings.iter().any(|finding| finding["code"] == name), "{name}: {object}");
        all["findings"].as_array_mut().unwrap().extend(findings.iter().cloned());
        all["unread"] = object["unread"].clone();
    }
    assert_documented("lint", &all);
}

#[test]
fn standard_input_is_a_script() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("set.ipxe"), "#!ipxe\nset rack a\n").unwrap();
    let lint = |text: &str, arguments: &[&str]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_netboot"))
            .arg("lint")
            .args(arguments)
            .current_dir(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = lint("#!ipxe\npoweroff\n", &["-"]);
    assert!(code == 3 && said.starts_with("-:2:1: error: "), "{said}");
    assert_eq!(lint("#!ipxe\necho ${rack}\n", &["-", "set.ipxe"]), (0, String::new()));
    // A file of that name has a path.
    fs::write(directory.path().join("-"), "#!ipxe\npoweroff\n").unwrap();
    assert_eq!(lint("#!ipxe\n", &["./-"]).0, 3);
}

#[test]
fn a_directory_and_a_file_that_is_no_build_are_named_with_what_to_do() {
    let directory = TempDir::new().unwrap();
    fs::create_dir(directory.path().join("scripts")).unwrap();
    fs::write(directory.path().join("scripts/a.ipxe"), "#!ipxe\necho a\n").unwrap();
    let lint = |arguments: &[&str]| lint(directory.path(), arguments);
    let (code, said) = lint(&["scripts"]);
    let expected = "error: `scripts` is a directory\n  \
                    what to do: name the scripts in it: `scripts/*.ipxe`\n";
    assert_eq!((code, said.as_str()), (1, expected));
    // The hint, which a shell expands.
    assert_eq!(lint(&["scripts/a.ipxe"]).0, 0);
    let (code, said) = lint(&["--build", "@nope", "scripts/a.ipxe"]);
    assert!(code == 2 && said.contains("the file `nope` cannot be read: No such file"), "{said}");
    let (code, said) = lint(&["--build", "@scripts/a.ipxe", "scripts/a.ipxe"]);
    assert!(code == 2 && said.contains("the file `scripts/a.ipxe` has no build: "), "{said}");
}
