//! Real Nix and this crate agree on archives, digests and registrations.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use netboot_closure::nar::{NarLimits, dump, unpack};
use netboot_closure::{Index, IndexEntry, Sha256, StorePath};
use tempfile::TempDir;

use crate::nix_store::{nix, text};

/// Writes a tree with everything that an archive can hold.
fn write_sample(path: &Path) {
    fs::create_dir_all(path.join("bin/deep/deeper")).unwrap();
    fs::write(path.join("bin/tool"), vec![7; 300_000]).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(path.join("bin/tool"), executable).unwrap();
    for name in ["empty", "Upper", "lower", "name with a space", "ümlaut", "a", "a.b", "a-b"] {
        fs::write(path.join("bin/deep").join(name), name.repeat(name.len() % 3)).unwrap();
    }
    symlink("../bin/tool", path.join("link")).unwrap();
    symlink("/etc/nowhere", path.join("dangling")).unwrap();
}

#[test]
fn archives_are_byte_for_byte_those_of_nix() {
    let directory = TempDir::new().unwrap();
    let source = directory.path().join("source");
    write_sample(&source);
    let mut archive = Vec::new();
    let summary = dump(&source, &mut archive).unwrap();
    let path = source.to_str().unwrap();
    assert!(archive == nix(directory.path(), "nix-store", &["--dump", path], None));
    assert_eq!((summary.inodes, summary.nar_size), (15, archive.len() as u64));

    // Nix restores this archive, and makes it again of the tree that was unpacked here.
    let (copy, file) = (directory.path().join("copy"), directory.path().join("archive"));
    unpack(&archive[..], &copy, NarLimits::default()).unwrap();
    assert!(
        archive == nix(directory.path(), "nix-store", &["--dump", copy.to_str().unwrap()], None)
    );
    fs::write(&file, &archive).unwrap();
    let restored = directory.path().join("restored");
    let arguments = ["--restore", restored.to_str().unwrap()];
    nix(directory.path(), "nix-store", &arguments, Some(&file));
    let mut again = Vec::new();
    dump(&restored, &mut again).unwrap();
    assert!(archive == again);
}

/// A store that was filled by `unpack` and registered from the index is one that Nix finds sound.
#[test]
fn nix_accepts_a_store_that_was_assembled_from_an_index() {
    let root = TempDir::new().unwrap();
    let store = root.path().join("nix/store");
    fs::create_dir_all(&store).unwrap();
    let source = root.path().join("source");
    write_sample(&source);
    let mut archive = Vec::new();
    let summary = dump(&source, &mut archive).unwrap();
    let hash = |options: &[&str]| {
        let arguments = [options, &["--type", "sha256", source.to_str().unwrap()]].concat();
        text(nix(root.path(), "nix-hash", &arguments, None))
    };
    let nar_hash = Sha256::from_base32(&hash(&["--base32"])).unwrap();
    assert_eq!(nar_hash.to_string(), hash(&[]));

    let path = |digit: &str, name: &str| {
        StorePath::from_base_name(&format!("{}-{name}", digit.repeat(32))).unwrap()
    };
    let (library, system) = (path("1", "library"), path("0", "system"));
    let entry = |path: &StorePath, references: Vec<StorePath>| IndexEntry {
        path: path.clone(),
        blob: Sha256::from_bytes([0; 32]),
        blob_size: 1,
        nar_hash,
        nar_size: summary.nar_size,
        unpacked_bytes: summary.unpacked_bytes,
        inodes: summary.inodes,
        deriver: Some(path_of_derivation()),
        references,
    };
    let index = Index::builder(format!("{system}/bin/tool"))
        .entry(entry(&library, vec![]))
        .entry(IndexEntry {
            deriver: None,
            ..entry(&system, vec![library.clone(), system.clone()])
        })
        .build()
        .unwrap();
    for entry in index.entries() {
        unpack(&archive[..], &store.join(entry.path.base_name()), NarLimits::default()).unwrap();
    }
    let mut registration = String::new();
    index.write_registration(&mut registration).unwrap();
    let file = root.path().join("registration");
    fs::write(&file, &registration).unwrap();
    nix(root.path(), "nix-store", &["--load-db"], Some(&file));
    nix(root.path(), "nix-store", &["--verify", "--check-contents"], None);

    let query = |what: &str, path: &StorePath| {
        text(nix(root.path(), "nix-store", &["--query", what, &path.to_string()], None))
    };
    let references = query("--references", &system);
    let references: BTreeSet<&str> = references.lines().collect();
    assert_eq!(references, BTreeSet::from([&system.to_string()[..], &library.to_string()]));
    assert_eq!(query("--hash", &library), format!("sha256:{}", nar_hash.to_base32()));
    assert_eq!(query("--size", &library), summary.nar_size.to_string());
    assert_eq!(query("--deriver", &library), path_of_derivation().to_string());
    assert_eq!(query("--references", &library), "");
}

fn path_of_derivation() -> StorePath {
    StorePath::from_base_name(&format!("{}-library.drv", "3".repeat(32))).unwrap()
}
