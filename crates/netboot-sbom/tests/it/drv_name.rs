//! Names are split as the real Nix splits them.

use std::process::Command;

use netboot_sbom::DrvName;
use netboot_testbed::HermeticNix;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

#[test]
fn nix_splits_names_in_the_same_way() {
    let fixed =
        ["nix-2.31", "x-", "-1.0", "-", "", "a-b-1-c", "x--1", "a-_1", "a-+", "glibc-2.40-66-bin"];
    let mut names: Vec<String> = fixed.map(str::to_owned).into();
    let mut runner = TestRunner::deterministic();
    let name = "[a-zA-Z0-9+._?=-]{0,12}";
    names.extend((0..500).map(|_| name.new_tree(&mut runner).unwrap().current()));
    let list = serde_json::to_string(&names).unwrap();
    let nix = HermeticNix::new();
    let mut command: Command = nix.command("nix-instantiate");
    command.args(["--eval", "--strict", "--json", "--expr"]);
    command.arg(format!("map builtins.parseDrvName (builtins.fromJSON ''{list}'')"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let parsed: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(parsed.len(), names.len());
    for (name, parsed) in names.iter().zip(parsed) {
        let ours = DrvName::parse(name);
        let theirs = (parsed["name"].as_str().unwrap(), parsed["version"].as_str().unwrap());
        assert_eq!((ours.name, ours.version), theirs, "{name}");
    }
}

proptest! {
    #[test]
    fn a_name_is_never_lost(name in "\\PC{0,20}") {
        let DrvName { name: package, version, .. } = DrvName::parse(&name);
        let whole = if package.len() == name.len() {
            package.to_owned()
        } else {
            format!("{package}-{version}")
        };
        prop_assert_eq!(whole, name);
    }
}
