//! A statement names an image's files by their digests, and what they were made from.

use netboot_core::Sha256Digest;
use netboot_sbom::statement;
use serde_json::{Value, json};

use crate::sample::{built, prebuilt, store_path};

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn a_statement_tells_the_files_the_sources_and_the_builder() {
    let bytes = statement(&built()).unwrap();
    assert_eq!(bytes, statement(&built()).unwrap());
    let statement: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["predicateType"], "https://slsa.dev/provenance/v1");
    let digest = |text: &str| json!({ "sha256": Sha256Digest::of(text.as_bytes()) });
    let subject = json!([
        { "name": "worker/bzImage", "digest": digest("the kernel") },
        { "name": "worker/initrd", "digest": digest("the initrd") },
    ]);
    assert_eq!(statement["subject"], subject);
    let definition = &statement["predicate"]["buildDefinition"];
    let source = "git+https://git.example.org/infra?rev=1f";
    let parameters = json!({
        "architecture": "x86_64",
        "attribute": "nixosConfigurations.netboot-worker",
        "profile": "worker",
        "source": source,
    });
    assert_eq!(definition["externalParameters"], parameters);
    let nar = json!({ "narSha256": EMPTY });
    let derivation = format!("file://{}", store_path("nixos-system-worker-25.05.drv"));
    let dependencies = json!([
        { "name": "source", "uri": source, "digest": nar },
        { "name": "nixpkgs", "uri": "github:NixOS/nixpkgs/2e", "digest": nar },
        { "name": "derivation of toplevel", "uri": derivation },
    ]);
    assert_eq!(definition["resolvedDependencies"], dependencies);
    let details = &statement["predicate"]["runDetails"];
    assert!(details["builder"]["id"].as_str().unwrap().starts_with("https://"), "{details}");
    assert_eq!(details["builder"]["version"], json!({ "nix": "2.31.1" }));
    let system = format!("file://{}", store_path("nixos-system-worker-25.05"));
    let made = json!([{ "name": "toplevel", "uri": system, "digest": nar }]);
    assert_eq!(details["byproducts"], made);
    assert!(details.get("metadata").is_none(), "no time");
}

#[test]
fn a_statement_without_materials_has_what_is_known() {
    let statement: Value = serde_json::from_slice(&statement(&prebuilt()).unwrap()).unwrap();
    assert_eq!(statement["predicate"]["buildDefinition"]["resolvedDependencies"], json!([]));
    assert_eq!(statement["subject"].as_array().unwrap().len(), 2);
    let id = statement["predicate"]["runDetails"]["builder"]["id"].as_str().unwrap();
    assert!(id.ends_with("#builder-prebuilt"), "{id}");
}
