//! The answers of `netboot build`, for people and for programs.

use serde_json::Value;

use crate::workplace::Workplace;

#[test]
fn a_failed_build_tells_every_profile_and_each_failure() {
    let place = Workplace::new();
    let flake = place.flake("one");
    let profiles = ["--profile", "storage", "--profile", "worker", "--profile", "gateway"];
    let output = place.netboot(&[&["build", "--json", "--flake", &flake], &profiles[..]].concat());
    assert_eq!(output.status.code(), Some(1), "{output:?}");

    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    let of = |name: &str| {
        let all = object["profiles"].as_array().unwrap();
        all.iter().find(|profile| profile["profile"] == name).unwrap()
    };
    for missing in ["storage", "gateway"] {
        let failure = &of(missing)["error"];
        assert!(failure["message"].as_str().unwrap().contains(missing), "{object}");
        assert!(failure["hint"].is_string() && of(missing)["directory"].is_null(), "{object}");
    }
    assert_eq!(of("worker")["error"], Value::Null, "{object}");
    assert!(of("worker")["fetched_bytes"].as_u64().unwrap() > 0, "{object}");
    // A program that looks only for a failure finds the first one.
    assert_eq!(object["error"], of("storage")["error"], "{object}");
    // People read all of them.
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("netboot-storage") && said.contains("netboot-gateway"), "{said}");
}

#[test]
fn a_check_evaluates_and_builds_nothing() {
    let place = Workplace::new();
    let flake = place.flake("one");
    let output = place.netboot(&["build", "--flake", &flake, "--check"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    let profiles = ["all-in-one", "control-plane", "worker"];
    let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with(' ')).collect();
    for (line, profile) in lines.iter().zip(profiles) {
        assert!(line.starts_with(&format!("{profile}: ready to build")), "{said}");
    }
    assert!(!place.path().join("artifacts/worker").exists());

    let check = ["build", "--flake", &flake, "--profile", "gateway", "--check", "--json"];
    let output = place.netboot(&check);
    assert_eq!(output.status.code(), Some(1));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let profile = &object["profiles"][0];
    assert_eq!(profile["configuration"], "netboot-gateway");
    assert!(profile["error"]["message"].is_string(), "{object}");
}

#[test]
fn a_script_gets_the_release_or_the_folders() {
    let place = Workplace::new();
    let flake = place.flake("one");
    let build = ["build", "--flake", &flake, "--profile", "worker"];
    let output = place.netboot(&build);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "artifacts/worker\n");

    let published = place.netboot(&[&build[..], &["--to", "./pxe"]].concat());
    let release = String::from_utf8(published.stdout).unwrap();
    let directory = place.path().join("pxe/releases").join(release.trim_end());
    assert!(directory.join("manifest.json").is_file(), "{release}");

    let json = place.netboot(&[&build[..], &["--to", "./pxe", "--json"]].concat());
    let object: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(object["targets"][0]["release"], release.trim_end());
    assert_eq!(object["targets"][0]["changed"], false);
    assert_eq!(object["profiles"][0]["directory"], "artifacts/worker");
}
