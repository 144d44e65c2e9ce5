//! `netboot build` of an image with a closure.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::workplace::Workplace;

#[test]
fn an_image_with_a_closure_is_published_and_goes_on_from_its_folder() {
    let place = Workplace::new();
    let stage1 = place.path().join("netboot-stage1");
    fs::write(&stage1, "the program").unwrap();
    fs::set_permissions(&stage1, fs::Permissions::from_mode(0o755)).unwrap();
    let flake = place.flake("one");
    let output = place.netboot(&["build", "--flake", &flake, "--closure"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("--stage1 FILE"), "{said}");
    let without_source = ["--flake", &flake, "--closure", "--stage1", stage1.to_str().unwrap()];
    let said = place.fails(&without_source);
    assert!(!place.nix.store_directory().join("closure").exists(), "{said}");

    let arguments = [
        &["--flake", &flake, "--profile", "worker", "--closure", "--stage1"],
        &[stage1.to_str().unwrap(), "--closure-url", "http://127.0.0.1:8080"][..],
    ]
    .concat();
    // Twice, since the second build replaces the folder of the first.
    place.succeeds(&arguments);
    place.succeeds(&[&arguments[..], &["--to", "./pxe"]].concat());
    let folder = place.path().join("artifacts/worker");
    let files = |directory: &Path| -> std::collections::BTreeSet<_> {
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    let closure = files(&folder.join("blobs"));
    assert!(closure.len() >= 3, "{closure:?}");
    assert!(files(&place.path().join("pxe/blobs")).is_superset(&closure));
    // The files of store paths are links to the cache, where nobody writes. The index is not.
    let described = fs::read(folder.join("closure.json")).unwrap();
    let described: serde_json::Value = serde_json::from_slice(&described).unwrap();
    for name in described["blobs"].as_object().unwrap().keys() {
        let mode = folder.join("blobs").join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o444, "{name}: {described}");
    }
    let script = String::from_utf8(place.artifact("worker/netboot.ipxe")).unwrap();
    assert!(script.contains("netboot.from=http://127.0.0.1:8080/ "), "{script}");

    let again = place.netboot(&[
        "publish",
        folder.to_str().unwrap(),
        "--to=./again",
        "--closure-url=http://127.0.0.1:8080/again/",
    ]);
    assert!(again.status.success(), "{again:?}");
    assert!(files(&place.path().join("again/blobs")).is_superset(&closure));

    // Without a target, machines fetch from the folder.
    place.succeeds(&arguments);
    let script = String::from_utf8(place.artifact("worker/netboot.ipxe")).unwrap();
    assert!(script.contains("netboot.from=http://127.0.0.1:8080/worker/ "), "{script}");

    // A file that somebody else put between the blobs is not deleted.
    fs::write(folder.join("blobs/notes.txt"), "mine").unwrap();
    let said = place.fails(&arguments);
    assert!(said.contains("blobs/notes.txt"), "{said}");
}
