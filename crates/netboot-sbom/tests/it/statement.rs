//! A statement names an image's files by their digests, and what they were made from.

use std::sync::Arc;

use netboot_core::{
    ArtifactKind, Closure, Image, Materials, Provenance, Sha256Digest, SourceMaterial,
};
use netboot_sbom::{Error, statement};
use serde_json::{Value, json};

use crate::sample::{artifact, begin, built, prebuilt, store_path};

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
        { "name": "nixpkgs", "uri": "github:NixOS/nixpkgs/2e",
          "digest": { "narSha256": EMPTY, "gitCommit": "2e".repeat(20) } },
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
    assert!(builder(&statement).ends_with("?name=prebuilt#builder-v1"), "{statement}");
}

fn builder(statement: &Value) -> &str {
    statement["predicate"]["runDetails"]["builder"]["id"].as_str().unwrap()
}

fn read(image: &Image) -> Value {
    serde_json::from_slice(&statement(image).unwrap()).unwrap()
}

#[test]
fn the_name_of_a_builder_is_escaped() {
    let provenance = Provenance::new("our builder#1 <ü>");
    let image = begin().provenance(provenance).build().unwrap();
    let statement = read(&image);
    let expected = "?name=our%20builder%231%20%3C%C3%BC%3E#builder-v1";
    assert!(builder(&statement).ends_with(expected), "{statement}");
}

#[test]
fn the_page_has_what_the_uris_name() {
    let statement = read(&built());
    let kind = statement["predicate"]["buildDefinition"]["buildType"].as_str().unwrap();
    let page = netboot_testbed::workspace_directory().join("docs/provenance.md");
    let page = std::fs::read_to_string(page).unwrap();
    for uri in [kind, builder(&statement)] {
        let (address, fragment) = uri.split_once('#').unwrap();
        let address = address.split('?').next().unwrap();
        assert!(address.ends_with("/docs/provenance.md"), "{uri}");
        let is_heading = |line: &str| line.trim_start_matches('#') == format!(" {fragment}");
        assert!(page.lines().any(is_heading), "no heading `{fragment}`");
    }
}

#[test]
fn a_file_with_the_name_of_the_index_is_another_subject() {
    let index = artifact(ArtifactKind::ClosureIndex, "index", "the index");
    let blob = Arc::new(artifact(ArtifactKind::StorePath, "glibc", "a store path"));
    let closure =
        Closure { index: Arc::new(index), blobs: vec![blob], unpacked_bytes: 4096, inodes: 1 };
    let initrd = artifact(ArtifactKind::Initrd, "closure", "another initrd");
    let statement = read(&begin().initrd(initrd).closure(closure).build().unwrap());
    let subjects = statement["subject"].as_array().unwrap().iter();
    let names: Vec<&str> = subjects.map(|subject| subject["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["worker/bzImage", "worker/initrd", "worker/closure", "worker/closure/index"]
    );
}

#[test]
fn a_digest_is_never_left_out() {
    for hash in ["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", ""] {
        let mut provenance = Provenance::new("own");
        provenance.source = Some("path:.".to_owned());
        provenance.source_hash = Some(hash.to_owned());
        let image = begin().provenance(provenance).build().unwrap();
        let error = statement(&image).unwrap_err();
        assert!(matches!(error, Error::Unwritable { .. }), "{error:?}");
        assert!(error.to_string().contains("sha256-<base64>"), "{error}");
    }
}

#[test]
fn only_revisions_of_git_are_told_as_such() {
    for (url, revision, is_told) in [
        ("git+file:.?rev=1", "1f".repeat(20), true),
        ("gitlab:a/b/1f", "1f".repeat(32), true),
        ("hg+https://h/x", "1f".repeat(20), false),
        ("https://h/x.tar.gz", "1f".repeat(20), false),
        ("github:a/b/main", "main".to_owned(), false),
    ] {
        let mut source = SourceMaterial::new(url, None);
        source.revision = Some(revision);
        let mut materials = Materials::default();
        materials.sources.insert(String::new(), source);
        let statement = read(&begin().materials(materials).build().unwrap());
        let source = &statement["predicate"]["buildDefinition"]["resolvedDependencies"][0];
        assert_eq!(source["digest"]["gitCommit"].is_string(), is_told, "{source}");
    }
}
