//! Images with a closure, and releases of them.

use netboot_core::{ArtifactKind, Closure, Error, Image, Manifest, Release, Sha256Digest, layout};
use serde_json::Value;

use crate::sample::{artifact, begin, image, initrd, kernel, pointer, profile, release, scripted};

fn closure(bytes: [&str; 2]) -> Closure {
    let blob = |bytes| artifact(ArtifactKind::StorePath, "blob", bytes);
    Closure {
        index: artifact(ArtifactKind::ClosureIndex, "index", "the index"),
        blobs: bytes.map(blob).into(),
        unpacked_bytes: 8192,
        inodes: 3,
    }
}

fn with_closure(name: &str, closure: Closure) -> Result<Image, Error> {
    begin(&profile(name))
        .kernel(kernel("the kernel"))
        .initrd(initrd("initrd", "small"))
        .closure(closure)
        .build()
}

/// Returns a release of an image with a closure and of one without.
pub(crate) fn mixed_release() -> Release {
    let worker = with_closure("worker", closure(["glibc", "bash"])).unwrap();
    scripted([worker, image("control-plane")]).build(pointer()).unwrap()
}

#[test]
fn a_closure_is_published_as_blobs_and_is_not_part_of_the_payload() {
    let release = mixed_release();
    let manifest = release.manifest();
    for content in ["the index", "glibc", "bash"] {
        let sha256 = Sha256Digest::of(content.as_bytes());
        assert_eq!(manifest.blobs()[&sha256], content.len() as u64);
        assert_eq!(release.blobs()[&sha256].size(), content.len() as u64);
        assert!(manifest.objects().contains_key(&layout::blob(&sha256)));
    }
    let worker = &manifest.images()["worker"];
    assert_eq!(worker.payload().count(), 2);
    assert_eq!(worker.closure.as_ref().unwrap().size(), 9 + 5 + 4);

    let json = manifest.to_json().unwrap();
    assert!(json.starts_with(b"{\n  \"version\": 3,\n"));
    let read = Manifest::from_json(&json).unwrap();
    assert_eq!(&read, manifest);
    assert_eq!(read.to_json().unwrap(), json);
}

#[test]
fn an_image_comes_back_from_its_manifest_with_its_closure() {
    let worker = with_closure("worker", closure(["glibc", "bash"])).unwrap();
    assert_eq!(worker.fetched_size(), worker.payload_size() + 18);
    let manifest = worker.manifest();
    let back = Image::from_manifest(worker.profile(), &manifest, |kind, record| {
        let contents = ["the index", "glibc", "bash", "the kernel", "small"];
        let content =
            contents.iter().find(|text| Sha256Digest::of(text.as_bytes()) == record.sha256);
        artifact(kind, record.file_name.as_str(), content.unwrap())
    });
    assert_eq!(back.unwrap().manifest(), manifest);
}

#[test]
fn a_closure_needs_an_index_and_a_store_path_of_their_kinds() {
    let mut empty = closure(["glibc", "bash"]);
    empty.blobs.clear();
    let error = with_closure("worker", empty).unwrap_err();
    assert!(matches!(error, Error::IncompleteImage { missing: "store path", .. }), "{error:?}");
    let error = with_closure("worker", closure(["glibc", ""])).unwrap_err();
    let kind = ArtifactKind::StorePath;
    assert!(
        matches!(error, Error::EmptyArtifact { kind: found, .. } if found == kind),
        "{error:?}"
    );
    let mut swapped = closure(["glibc", "bash"]);
    swapped.index = swapped.blobs[0].clone();
    let error = with_closure("worker", swapped).unwrap_err();
    assert!(matches!(error, Error::WrongArtifactKind { .. }), "{error:?}");
}

/// Reads the manifest of the mixed release after a change, with the id that the parts make.
fn changed(change: impl Fn(&mut Value), rehash: bool) -> Error {
    let sound = mixed_release().manifest().to_json().unwrap();
    // `from_json` compares the text with its own form last, so the order of keys does not matter.
    let mut value: Value = serde_json::from_slice(&sound).unwrap();
    change(&mut value);
    let error = Manifest::from_json(value.to_string().as_bytes()).unwrap_err();
    match error {
        Error::ManifestMismatch { computed, .. } if rehash => {
            value["release"] = computed.to_string().into();
            Manifest::from_json(value.to_string().as_bytes()).unwrap_err()
        }
        error => error,
    }
}

fn digest(text: &str) -> String {
    Sha256Digest::of(text.as_bytes()).to_string()
}

#[test]
fn the_id_covers_the_closure() {
    type Change = fn(&mut Value);
    let changes: [Change; 6] = [
        |closure| closure["index"]["sha256"] = digest("evil").into(),
        |closure| closure["index"]["size"] = 10.into(),
        |closure| closure["unpacked_bytes"] = 1.into(),
        |closure| closure["inodes"] = 1.into(),
        |closure| closure["blobs"][digest("glibc")] = 6.into(),
        |closure| closure["blobs"][digest("one more")] = 6.into(),
    ];
    for (position, change) in changes.into_iter().enumerate() {
        let error = changed(|m| change(&mut m["images"]["worker"]["closure"]), false);
        assert!(matches!(error, Error::ManifestMismatch { .. }), "change {position}: {error:?}");
    }
}

#[test]
fn closures_that_no_machine_can_fetch_are_no_manifest_under_any_id() {
    let of_closure =
        |change: fn(&mut Value)| changed(|m| change(&mut m["images"]["worker"]["closure"]), true);
    let error = of_closure(|closure| closure["index"]["size"] = (1_u64 << 30).into());
    assert!(matches!(error, Error::ReleaseTooLarge { .. }), "{error:?}");
    let error = of_closure(|closure| closure["blobs"] = Value::Object(serde_json::Map::new()));
    assert!(matches!(error, Error::IncompleteImage { .. }), "{error:?}");
    let error = of_closure(|closure| closure["blobs"][digest("glibc")] = 0.into());
    assert!(matches!(error, Error::EmptyArtifact { .. }), "{error:?}");
    let error = of_closure(|closure| closure["blobs"][digest("the kernel")] = 11.into());
    assert!(matches!(error, Error::ContradictorySizes { .. }), "{error:?}");
    let error = of_closure(|closure| closure["form"] = "zram".into());
    assert!(matches!(error, Error::MalformedManifest { .. }), "{error:?}");
}

/// A publisher that knows no closures would prune their blobs, so it must refuse such a manifest.
#[test]
fn the_version_says_whether_there_is_a_closure() {
    let error = changed(|m| m["version"] = 2.into(), true);
    assert!(matches!(error, Error::ManifestForm), "{error:?}");
    let plain = release(&["worker"]).manifest().to_json().unwrap();
    let plain = String::from_utf8(plain).unwrap().replace("\"version\": 2", "\"version\": 3");
    let error = Manifest::from_json(plain.as_bytes()).unwrap_err();
    assert!(matches!(error, Error::ManifestForm), "{error:?}");
}
