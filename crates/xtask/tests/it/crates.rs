//! Tests that the published facts about the crates are true: feature tables, metadata, the oldest
//! Rust.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A feature, and whether it is on by default.
type Feature = (String, bool);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The answer of cargo about the workspace; with `dependencies`, of all crates that it uses.
fn metadata(dependencies: bool) -> Value {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root()).args(["metadata", "--format-version=1", "--locked"]);
    command.args((!dependencies).then_some("--no-deps"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The packages that are published.
fn published(metadata: &Value) -> Vec<&Value> {
    let is_ours = |package: &&Value| package["source"].is_null() && package["publish"].is_null();
    let packages: Vec<_> = metadata["packages"].as_array().unwrap().iter().collect();
    let packages: Vec<_> = packages.into_iter().filter(is_ours).collect();
    assert!(packages.len() >= 9);
    packages
}

/// The features of a package's manifest.
fn features(package: &Value) -> BTreeSet<Feature> {
    let all = package["features"].as_object().unwrap();
    let by_default = all.get("default").and_then(Value::as_array).cloned().unwrap_or_default();
    let names = all.keys().filter(|name| *name != "default");
    names.map(|name| (name.clone(), by_default.contains(&name.as_str().into()))).collect()
}

/// The text of a cell of a table: `` `local` (default) ``.
fn feature(cell: &str) -> Option<Feature> {
    let (name, rest) = cell.trim().strip_prefix('`')?.split_once('`')?;
    Some((name.to_owned(), rest.trim() == "(default)"))
}

/// The rows of the first table in the text behind a heading, each with its cells.
fn table<'a>(text: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let Some((_, behind)) = text.split_once(heading) else { return Vec::new() };
    let lines = behind.lines().skip_while(|line| !line.starts_with('|'));
    let rows = lines.take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

#[test]
fn each_crates_documentation_has_its_features() {
    let metadata = metadata(false);
    for package in published(&metadata) {
        let manifest = Path::new(package["manifest_path"].as_str().unwrap());
        let source = fs::read_to_string(manifest.with_file_name("src").join("lib.rs")).unwrap();
        let lines = source.lines().filter_map(|line| line.strip_prefix("//!"));
        let documentation: Vec<&str> = lines.map(str::trim_start).collect();
        let documentation = documentation.join("\n");
        let rows = table(&documentation, "# Features");
        let told: BTreeSet<Feature> = rows.iter().filter_map(|cells| feature(cells[0])).collect();
        assert_eq!(told, features(package), "{}", package["name"]);
    }
}

#[test]
fn the_readme_has_the_features_of_every_crate() {
    let metadata = metadata(false);
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let rows = table(&readme, "## Features");
    let told: BTreeSet<(&str, Feature)> =
        rows.iter().map(|cells| (cells[0].trim_matches('`'), feature(cells[1]).unwrap())).collect();
    let packages = published(&metadata);
    let there = packages.iter().flat_map(|package| {
        let name = package["name"].as_str().unwrap();
        features(package).into_iter().map(move |feature| (name, feature))
    });
    assert_eq!(told, there.collect());
}

#[test]
fn registries_are_told_what_they_show() {
    let metadata = metadata(false);
    for package in published(&metadata) {
        let name = package["name"].as_str().unwrap();
        for field in ["description", "license", "repository", "documentation", "readme"] {
            assert!(package[field].is_string(), "{name} has no {field}");
        }
        for field in ["keywords", "categories"] {
            let count = package[field].as_array().unwrap().len();
            assert!((1..=5).contains(&count), "{name} has {count} {field}");
        }
        let directory = Path::new(package["manifest_path"].as_str().unwrap()).with_file_name("");
        let licence = fs::read_to_string(directory.join("LICENSE")).unwrap();
        assert_eq!(licence, fs::read_to_string(root().join("LICENSE")).unwrap());
    }
}

#[test]
fn no_dependency_needs_a_newer_rust() {
    let metadata = metadata(true);
    let version =
        |text: &str| -> Vec<u32> { text.split('.').map(|n| n.parse().unwrap()).collect() };
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let oldest = version(manifest["workspace"]["package"]["rust-version"].as_str().unwrap());
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    for package in packages {
        let Some(needed) = package["rust_version"].as_str() else { continue };
        let needed = version(needed);
        assert!(needed[..2] <= oldest[..2], "{} needs {needed:?}", package["name"]);
    }
}
