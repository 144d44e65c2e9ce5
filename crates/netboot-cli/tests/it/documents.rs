//! `netboot build --sbom --provenance`, `netboot list --sbom` and `netboot diff`, with real Nix.

use std::fs;
use std::process::Output;

use netboot_core::Sha256Digest;
use netboot_sbom::Bill;
use serde_json::Value;

use crate::place::assert_documented;
use crate::workplace::Workplace;

const DOCUMENTS: [&str; 2] = ["worker/sbom.cdx.json", "worker/provenance.intoto.json"];

fn text(output: &Output) -> String {
    let (said, told) = (&output.stdout, String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}");
    String::from_utf8(said.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&text(output)).unwrap()
}

/// Builds a generation of the worker, publishes it to `pxe` and returns its id.
fn publish(place: &Workplace, generation: &str, options: &[&str]) -> String {
    let flake = place.flake(generation);
    let arguments = ["build", "--flake", &flake, "--profile", "worker", "--to", "./pxe"];
    text(&place.netboot(&[&arguments, options].concat())).trim().to_owned()
}

#[test]
fn a_release_has_what_was_asked_for_and_two_of_them_are_compared() {
    let place = Workplace::new();
    let one = publish(&place, "one", &["--sbom", "--provenance"]);
    for document in DOCUMENTS {
        assert_eq!(place.artifact(document), place.live("pxe", document).as_bytes());
    }
    let bill = Bill::parse(&place.artifact(DOCUMENTS[0])).unwrap();
    let has = |part: &str| bill.store_paths.values().any(|item| item.name.contains(part));
    assert!(has("nixos-system-netboot-worker") && has("linux"), "{bill:#?}");
    let statement: Value = serde_json::from_slice(&place.artifact(DOCUMENTS[1])).unwrap();
    let subject = &statement["predicate"]["buildDefinition"]["externalParameters"];
    assert_eq!(subject["attribute"], "nixosConfigurations.netboot-worker");
    let kernel = Sha256Digest::of(&place.artifact("worker/bzImage")).to_string();
    assert_eq!(statement["subject"][0]["digest"]["sha256"], kernel);

    let list = json(&place.netboot(&["list", "--sbom", "./pxe", "--json"]));
    assert_eq!(list["release"], one);
    let packages = list["sboms"][0]["packages"].as_array().unwrap();
    assert_eq!(packages.len(), bill.store_paths.len());
    let table = text(&place.netboot(&["list", "--sbom", "./pxe", &one[..12]]));
    assert!(table.contains("worker: ") && table.contains("bzImage"), "{table}");

    // The folder of a build brings its documents along.
    let again = place.netboot(&["publish", "artifacts/worker", "--to", "./mirror", "--sbom"]);
    text(&again);
    assert_eq!(place.artifact(DOCUMENTS[1]), place.live("mirror", DOCUMENTS[1]).as_bytes());

    // netboot.toml asks for them as well.
    fs::write(place.path().join("netboot.toml"), "[documents]\nsbom = true\n").unwrap();
    let two = publish(&place, "two", &[]);
    assert_ne!(one, two);
    assert!(!place.path().join("artifacts").join(DOCUMENTS[1]).exists());
    let object = json(&place.netboot(&["diff", "./pxe", &one[..12], "--json"]));
    assert_documented("diff", &object);
    assert_eq!((&object["before"], &object["after"]), (&one.clone().into(), &two.clone().into()));
    assert_eq!(object["changed"][0]["profile"], "worker");
    let said = text(&place.netboot(&["diff", "./pxe", &one, &two]));
    assert!(said.starts_with("worker: "), "{said}");
    assert!(said.contains("initrd: "), "{said}");
    // Both initrds may have the same size, which only the digests tell apart.
    let back = ["diff", "./pxe", &two, &one, "--other", "./pxe", "--json"];
    let back = json(&place.netboot(&back));
    assert_eq!((&back["before"], &back["after"]), (&two.clone().into(), &one.clone().into()));
    let (there, here) = (&object["changed"][0]["files"], &back["changed"][0]["files"]);
    let sides = |files: &Value, side: &str| -> Vec<Value> {
        files.as_array().unwrap().iter().map(|file| file[side].clone()).collect()
    };
    assert!(!sides(there, "before").is_empty());
    assert_eq!(sides(there, "before"), sides(here, "after"));
    assert_eq!(sides(there, "after"), sides(here, "before"));
    assert_eq!(text(&place.netboot(&["diff", "./pxe", &two])), "nothing changed\n");
}

#[test]
fn a_release_without_an_sbom_says_how_to_get_one() {
    let place = Workplace::new();
    let plain = publish(&place, "one", &[]);
    for command in [["list", "--sbom", "./pxe"], ["diff", "./pxe", &plain]] {
        let output = place.netboot(&command);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("the image of `worker` in release"), "{said}");
        assert!(said.contains("build the profile with `netboot build --sbom`, and publish it"));
    }
    let documented = publish(&place, "one", &["--sbom"]);
    assert_ne!(plain, documented, "the id covers the documents");
    text(&place.netboot(&["list", "--sbom", "./pxe"]));
    let again = publish(&place, "one", &["--sbom"]);
    assert_eq!(again, documented);
}

#[test]
fn an_existing_image_consists_of_its_files() {
    let place = Workplace::new();
    place.succeeds(&["--flake", &place.flake("one"), "--profile", "worker"]);
    let published = place.netboot(&["publish", "artifacts/worker", "--to", "./pxe", "--sbom"]);
    text(&published);
    let list = json(&place.netboot(&["list", "--sbom", "./pxe", "--json"]));
    let files = list["sboms"][0]["files"].as_array().unwrap();
    let names: Vec<&str> = files.iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["bzImage", "initrd"]);
    assert_eq!(list["sboms"][0]["packages"].as_array().unwrap().len(), 0);
}
