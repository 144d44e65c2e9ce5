//! The object that `netboot build --json` prints.

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
