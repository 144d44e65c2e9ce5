//! Profiles in files.

use std::error::Error as _;
use std::fs;

use netboot_core::{Architecture, Error, Profile, ProfileSpec, ServiceName, plasmacloud};
use tempfile::TempDir;

const TOML: &str = r#"
[[profiles]]
name = "storage"
title = "Storage node"
architecture = "aarch64-linux"
services = ["lightningstor", "flaredb"]
kernel-parameters = ["console=ttyS0,115200", 'dyndbg="file drivers/usb/* +p"']
size-budget = 800_000_000

[[profiles]]
name = "edge"
"#;

const JSON: &str = r#"{"profiles": [
    {
        "name": "storage",
        "title": "Storage node",
        "architecture": "aarch64",
        "services": ["lightningstor", "flaredb"],
        "kernel-parameters": ["console=ttyS0,115200", "dyndbg=\"file drivers/usb/* +p\""],
        "size-budget": 800000000
    },
    { "name": "edge" }
]}"#;

#[tokio::test]
async fn toml_and_json_say_the_same() {
    let directory = TempDir::new().unwrap();
    let (toml, json) = (directory.path().join("p.toml"), directory.path().join("p.JSON"));
    fs::write(&toml, TOML).unwrap();
    fs::write(&json, JSON).unwrap();
    let profiles = ProfileSpec::load(&toml).await.unwrap();
    assert_eq!(ProfileSpec::load(&json).await.unwrap(), profiles);

    let [storage, edge] = profiles.as_slice() else { panic!("{profiles:?}") };
    assert_eq!(storage.name().as_str(), "storage");
    assert_eq!(storage.title().as_str(), "Storage node");
    assert_eq!(storage.architecture(), Architecture::Aarch64);
    let services: Vec<_> = storage.services().iter().map(ServiceName::as_str).collect();
    assert_eq!(services, ["lightningstor", "flaredb"]);
    assert_eq!(storage.kernel_parameters()[1].as_str(), "dyndbg=\"file drivers/usb/* +p\"");
    assert_eq!(storage.size_budget(), 800_000_000);

    assert_eq!(edge, &ProfileSpec::new("edge").unwrap());
    assert_eq!((edge.title().as_str(), edge.architecture()), ("edge", Architecture::X86_64));
    assert_eq!(edge.size_budget(), 500 * 1024 * 1024);
}

#[test]
fn a_profile_comes_back_from_what_it_is_written_as() {
    for profile in ProfileSpec::parse_toml(TOML, "p.toml").unwrap() {
        let file = format!("{{\"profiles\": [{}]}}", serde_json::to_string(&profile).unwrap());
        assert_eq!(ProfileSpec::parse_json(&file, "p.json").unwrap(), [profile]);
    }
}

#[test]
fn a_mistake_is_named_with_its_line() {
    let mistakes = [
        ("title = \"x\"\n[[profiles]]\nname = \"a\"\n", "line 1"),
        ("[[profiles]]\nname = \"a\"\n\n[[profiles]]\nname = \"A\"\n", "line 5"),
        ("[[profiles]]\nname = \"a\"\ntitel = \"x\"\n", "line 3"),
        ("[[profiles]]\nname = \"a\"\nservices = [\"ok\", \"../x\"]\n", "line 3"),
        ("[[profiles]]\nname = \"a\"\nkernel-parameters = [\"init=/bin/sh\"]\n", "line 3"),
        ("[[profiles]]\nname = \"a\"\narchitecture = \"pdp11\"\n", "line 3"),
        ("[[profiles]]\nname = \"a\"\nsize-budget = -1\n", "line 3"),
        ("[[profiles]]\nname = \"a\n", "line 2"),
        ("[[profiles]]\ntitle = \"nameless\"\n", "line 1"),
    ];
    for (text, line) in mistakes {
        let error = ProfileSpec::parse_toml(text, "etc/p.toml").unwrap_err();
        assert!(matches!(error, Error::MalformedProfileFile { .. }), "{error:?}");
        assert!(error.to_string().contains("etc/p.toml"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("[[profiles]]")), "{error}");
        let cause = error.source().unwrap().to_string();
        assert!(cause.contains(line), "{line} is not in: {cause}");
    }
    let error = ProfileSpec::parse_json("{\"profiles\": [\n{\"name\": 7}]}", "p.json").unwrap_err();
    assert!(error.source().unwrap().to_string().contains("line 2"), "{error:?}");
    let error = ProfileSpec::parse_json(r#"{"profiles": [], "more": 1}"#, "p.json").unwrap_err();
    assert!(error.source().unwrap().to_string().contains("more"), "{error:?}");
}

#[test]
fn two_profiles_of_one_name_are_refused() {
    let text =
        "[[profiles]]\nname = \"a\"\n[[profiles]]\nname = \"b\"\n[[profiles]]\nname = \"a\"\n";
    let error = ProfileSpec::parse_toml(text, "p.toml").unwrap_err();
    let Error::Duplicate { name } = error else { panic!("{error:?}") };
    assert_eq!(name, "a");
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("missing.toml");
    let error = ProfileSpec::load(&path).await.unwrap_err();
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    assert!(error.hint().is_some_and(|hint| hint.contains("does not exist")));
}

#[test]
fn the_profiles_of_plasmacloud_are_built_in() {
    let profiles = plasmacloud::profiles().unwrap();
    let found: Vec<_> = profiles.iter().map(|p| (p.name().as_str(), p.services().len())).collect();
    assert_eq!(found, [("control-plane", 9), ("worker", 2), ("all-in-one", 9)]);
    let services = |index: usize| -> Vec<&str> {
        profiles[index].services().iter().map(ServiceName::as_str).collect()
    };
    assert_eq!(services(1), ["plasmavmc", "novanet"]);
    assert_eq!(
        services(0),
        [
            "chainfire",
            "flaredb",
            "iam",
            "plasmavmc",
            "novanet",
            "flashdns",
            "fiberlb",
            "lightningstor",
            "k8shost"
        ]
    );
    assert_eq!(services(2), services(0));
    for profile in &profiles {
        assert_eq!(profile.architecture(), Architecture::X86_64);
        assert!(profile.title().as_str().starts_with("PlasmaCloud "));
    }
    assert_eq!(ProfileSpec::parse_toml(plasmacloud::PROFILE_FILE, "x").unwrap(), profiles);
}
