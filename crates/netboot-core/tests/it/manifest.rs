//! A manifest comes back, and an altered manifest is not read.

use netboot_core::{Error, Manifest, ReleasePath, Sha256Digest, layout};
use proptest::prelude::*;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::closure::mixed_release;
use crate::sample::{MARKED, release};

#[test]
fn a_manifest_comes_back() {
    let release = release(&["worker", "control-plane"]);
    let manifest = release.manifest();
    let json = manifest.to_json().unwrap();
    let read = Manifest::from_json(&json).unwrap();
    assert_eq!(&read, manifest);
    assert_eq!(read.to_json().unwrap(), json);
    assert_eq!(read.release(), release.id());
    assert!(json.ends_with(b"}\n") && json.starts_with(b"{\n  \"version\": 2,\n"));
    let live = format!("{MARKED}chain releases/{}/boot.ipxe\n", release.id());
    assert_eq!(release.pointer(), &live);
    assert_eq!(manifest.pointer_text(), live);

    // Two profiles with a common kernel and layer store these once.
    assert_eq!(release.blobs().len(), 4);
    assert_eq!(manifest.blobs().len(), 4);
    let files: Vec<_> = manifest.files().keys().map(ReleasePath::as_str).collect();
    assert_eq!(files, ["boot.ipxe", "control-plane/netboot.ipxe", "worker/netboot.ipxe"]);
    let logs: Vec<_> = manifest.log_paths().map(String::from).collect();
    assert_eq!(logs, ["control-plane/build.log", "worker/build.log"]);
    // All files at the target, except the manifest, the logs and the files that change.
    let objects = manifest.objects();
    assert_eq!(objects.len(), 4 + 3 + 1);
    let blob = layout::blob(&Sha256Digest::of(b"the kernel"));
    assert_eq!(objects[&blob].size, 10);
    let pointer = layout::in_release(release.id(), &layout::release_pointer());
    assert_eq!(objects[&pointer].sha256, Sha256Digest::of(release.pointer()));
}

/// Another program computed these ids by the documented rule. A published release must keep its id
/// in the next version of this library, or the version of the manifest must change.
#[test]
fn the_id_of_a_release_is_the_same_on_every_machine() {
    let id = release(&["worker"]).id().to_string();
    assert_eq!(id, "028f71f5253d238851a52e065f5f3799126a4cb8b90a702c2a80d1cf4c0034f0");
    assert!(id.starts_with(&release(&["worker"]).id().short()));
    assert_eq!(release(&["worker"]).id().short().len(), 12);
}

#[test]
fn a_manifest_of_another_version_is_named_as_such_whatever_it_holds() {
    let error = Manifest::from_json(br#"{"version": 1, "everything": "else"}"#).unwrap_err();
    assert!(
        matches!(error, Error::ManifestVersion { found: 1, oldest: 2, newest: 3 }),
        "{error:?}"
    );
    assert!(error.hint().is_some_and(|hint| hint.contains("version")));
}

/// The fields of a manifest in their order. All other keys follow in the order of the alphabet.
const FIELDS: [&str; 27] = [
    "version",
    "release",
    "files",
    "index",
    "unpacked_bytes",
    "inodes",
    "blobs",
    "pointer",
    "entry_points",
    "images",
    "title",
    "services",
    "boot",
    "kernel",
    "initrds",
    "closure",
    "provenance",
    "architecture",
    "init",
    "kernel_parameters",
    "file_name",
    "size",
    "sha256",
    "builder",
    "source",
    "outputs",
    "tools",
];

/// A JSON value that is written with its keys in the order of a manifest.
struct InOrder<'a>(&'a Value);

impl Serialize for InOrder<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(entries) => {
                let mut entries: Vec<_> = entries.iter().collect();
                let place = |key| FIELDS.iter().position(|field| *field == key);
                entries.sort_by_key(|(key, _)| (place(key.as_str()).unwrap_or(usize::MAX), *key));
                serializer.collect_map(entries.iter().map(|(key, value)| (key, InOrder(value))))
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(InOrder)),
            other => other.serialize(serializer),
        }
    }
}

/// Returns the JSON of a value in the form of a manifest.
fn json(value: &Value) -> String {
    serde_json::to_string_pretty(&InOrder(value)).unwrap() + "\n"
}

/// Reads a manifest after a change, with the id of the changed parts if `rehash` is set.
fn changed(change: impl Fn(&mut Value), rehash: bool) -> Error {
    let sound = release(&["worker"]).manifest().to_json().unwrap();
    let mut value: Value = serde_json::from_slice(&sound).unwrap();
    assert_eq!(json(&value).as_bytes(), sound, "the JSON of this test has another form");
    change(&mut value);
    assert_ne!(json(&value).as_bytes(), sound, "nothing was changed");
    let mut error = Manifest::from_json(json(&value).as_bytes()).unwrap_err();
    if rehash && let Error::ManifestMismatch { computed, .. } = error {
        value["release"] = computed.to_string().into();
        error = Manifest::from_json(json(&value).as_bytes()).unwrap_err();
    }
    assert!(error.hint().is_some());
    error
}

fn digest(text: &str) -> String {
    Sha256Digest::of(text.as_bytes()).to_string()
}

/// Renames a key and keeps its value.
fn rename(value: &mut Value, old: &str, new: &str) {
    let entries = value.as_object_mut().unwrap();
    let moved = entries.remove(old).unwrap();
    entries.insert(new.to_owned(), moved);
}

#[test]
fn the_id_covers_everything_that_boots() {
    type Change = fn(&mut Value);
    let changes: [Change; 21] = [
        |m| m["files"]["boot.ipxe"]["sha256"] = digest("other").into(),
        |m| m["files"]["boot.ipxe"]["size"] = 5.into(),
        |m| rename(&mut m["files"], "worker/netboot.ipxe", "worker/netboot.txt"),
        |m| m["files"]["more.ipxe"] = m["files"]["boot.ipxe"].clone(),
        |m| rename(&mut m["blobs"], &digest("the kernel"), &digest("evil")),
        |m| m["blobs"][digest("the kernel")] = 11.into(),
        |m| m["blobs"][digest("one more")] = 8.into(),
        |m| m["pointer"] = m["pointer"].as_str().unwrap().replace("chain", "chain -a").into(),
        |m| m["entry_points"]["boot.ipxe"]["sha256"] = digest("other").into(),
        |m| m["entry_points"]["boot.ipxe"]["size"] = 5.into(),
        |m| rename(&mut m["entry_points"], "worker/netboot.ipxe", "worker2/netboot.ipxe"),
        |m| rename(&mut m["images"], "worker", "worker2"),
        |m| m["images"]["worker"]["title"] = "evil".into(),
        |m| m["images"]["worker"]["services"][0] = "evil".into(),
        |m| m["images"]["worker"]["boot"]["architecture"] = "aarch64".into(),
        |m| m["images"]["worker"]["boot"]["init"] = "/nix/store/evil/init".into(),
        |m| m["images"]["worker"]["boot"]["kernel_parameters"][0] = "evil".into(),
        |m| m["images"]["worker"]["kernel"]["file_name"] = "evil".into(),
        |m| m["images"]["worker"]["kernel"]["sha256"] = digest("evil").into(),
        |m| m["images"]["worker"]["kernel"] = m["images"]["worker"]["initrds"][1].clone(),
        |m| m["images"]["worker"]["initrds"].as_array_mut().unwrap().reverse(),
    ];
    for (position, change) in changes.into_iter().enumerate() {
        let error = changed(change, false);
        assert!(matches!(error, Error::ManifestMismatch { .. }), "change {position}: {error:?}");
    }
}

/// The writer of a manifest can compute the id of any parts, so the id alone proves nothing.
#[test]
fn parts_that_contradict_each_other_are_no_manifest_under_any_id() {
    let refused = |change: fn(&mut Value)| changed(change, true);
    macro_rules! refuse {
        ($($change:expr => $error:pat,)*) => {
            $(
                let error = refused($change);
                assert!(matches!(error, $error), "{}: {error:?}", stringify!($change));
            )*
        };
    }
    refuse! {
        |m| m["images"]["worker"]["kernel"]["sha256"] = digest("evil").into()
            => Error::UnlistedPayload { .. },
        |m| m["images"]["worker"]["initrds"][1]["size"] = 8.into() => Error::UnlistedPayload { .. },
        |m| m["images"]["worker"]["initrds"] = Value::Array(Vec::new())
            => Error::IncompleteImage { .. },
        |m| m["images"]["worker"]["kernel"]["size"] = 0.into() => Error::EmptyArtifact { .. },
        |m| m["images"]["worker"]["kernel"]["file_name"] = "initrd".into()
            => Error::Duplicate { .. },
        |m| m["images"]["worker"]["boot"]["kernel_parameters"] =
            vec!["x".repeat(1000); 3].into() => Error::InvalidValue(_),
        |m| m["images"]["worker"]["boot"]["kernel_parameters"][0] = "init=/bin/sh".into()
            => Error::MalformedManifest { .. },
        |m| m["images"] = Value::Object(serde_json::Map::new()) => Error::EmptyRelease,
        |m| m["logs"] = m["files"].clone() => Error::MalformedManifest { .. },
        |m| rename(&mut m["files"], "boot.ipxe", "boot.txt") => Error::MissingScript { .. },
        |m| rename(&mut m["files"], "worker/netboot.ipxe", "x") => Error::MissingScript { .. },
        |m| m["files"]["manifest.json"] = m["files"]["boot.ipxe"].clone()
            => Error::ReservedPath { .. },
        |m| m["files"]["manifest.json.minisig"] = m["files"]["boot.ipxe"].clone()
            => Error::ReservedPath { .. },
        |m| m["files"]["incomplete.json"] = m["files"]["boot.ipxe"].clone()
            => Error::ReservedPath { .. },
        |m| m["files"]["pointer.ipxe/x"] = m["files"]["boot.ipxe"].clone()
            => Error::ReservedPath { .. },
        |m| m["files"]["worker"] = m["files"]["boot.ipxe"].clone() => Error::FileAboveFile { .. },
        |m| m["files"]["worker/build.log"] = m["files"]["boot.ipxe"].clone()
            => Error::Duplicate { .. },
        |m| m["files"]["../boot.ipxe"] = m["files"]["boot.ipxe"].clone()
            => Error::MalformedManifest { .. },
        |m| m["files"][["x"; 230].join("/")] = m["files"]["boot.ipxe"].clone()
            => Error::InvalidValue(_),
        |m| m["entry_points"]["releases/x"] = m["entry_points"]["boot.ipxe"].clone()
            => Error::ReservedPath { .. },
        |m| m["entry_points"]["blobs/x"] = m["entry_points"]["boot.ipxe"].clone()
            => Error::ReservedPath { .. },
        |m| m["entry_points"]["boot.ipxe/x"] = m["entry_points"]["boot.ipxe"].clone()
            => Error::FileAboveFile { .. },
        |m| m["entry_points"]["boot.ipxe"]["size"] = 5.into() => Error::ContradictorySizes { .. },
        |m| m["entry_points"]["x"] =
            serde_json::json!({ "sha256": digest("large"), "size": 9_000_000 })
            => Error::MalformedManifest { .. } | Error::ManifestForm | Error::ReleaseTooLarge { .. },
        |m| m["blobs"][digest("x")] = u64::MAX.into() => Error::ReleaseTooLarge { .. },
        |m| m["pointer"] = MARKED.into() => Error::MalformedManifest { .. },
        |m| m["comment"] = "".into() => Error::MalformedManifest { .. },
        |m| m["images"]["worker"]["icon"] = "".into() => Error::MalformedManifest { .. },
        |m| m["images"]["worker"]["boot"]["firmware"] = "".into()
            => Error::MalformedManifest { .. },
    }
}

/// Another program may read the other one of two equal keys, or see another text.
#[test]
fn a_manifest_has_only_one_form() {
    let sound = String::from_utf8(release(&["worker"]).manifest().to_json().unwrap()).unwrap();
    let kernel = format!("\"{}\": 10", digest("the kernel"));
    for (old, new) in [
        (&*kernel, &*format!("{kernel},\n    {kernel}")),
        ("\"title\": \"worker\"", "\"title\": \"w\\u006frker\""),
        ("\"version\": 2", "\"version\":2"),
        ("}\n", "}"),
    ] {
        assert!(sound.contains(old), "{old} is not in {sound}");
        let altered = sound.replacen(old, new, 1);
        let error = Manifest::from_json(altered.as_bytes()).unwrap_err();
        assert!(matches!(error, Error::ManifestForm), "{new}: {error:?}");
    }
    let capitals = sound.replace(&digest("menu"), &digest("menu").to_uppercase());
    assert_ne!(capitals, sound);
    let error = Manifest::from_json(capitals.as_bytes()).unwrap_err();
    assert!(matches!(error, Error::ManifestForm), "{error:?}");
    for text in ["{}", "<html>", "[]", "{\"version\": 2}", "\u{feff}"] {
        let error = Manifest::from_json(text.as_bytes()).unwrap_err();
        assert!(matches!(error, Error::MalformedManifest { .. }), "{error:?}");
    }
    for length in 0..sound.len() {
        Manifest::from_json(&sound.as_bytes()[..length]).unwrap_err();
    }
}

/// Returns the places of all values below `value`.
fn places(value: &Value, place: &str, found: &mut Vec<String>) {
    found.push(place.to_owned());
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(entries) => entries.iter().for_each(|(key, value)| {
            places(value, &format!("{place}/{}", escaped(key)), found);
        }),
        Value::Array(items) => items.iter().enumerate().for_each(|(position, value)| {
            places(value, &format!("{place}/{position}"), found);
        }),
        _ => {}
    }
}

/// Returns a manifest's JSON without the parts that its id does not cover.
fn covered(manifest: &Manifest) -> Value {
    let mut value = serde_json::to_value(manifest).unwrap();
    for image in value["images"].as_object_mut().unwrap().values_mut() {
        image.as_object_mut().unwrap().remove("provenance");
    }
    value
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_value_makes_no_manifest_or_leaves_what_boots(
        place: prop::sample::Index,
        text in "[a-z0-9/.=-]{0,9}",
        number in 0..100_usize,
        change in 0..5,
        other: prop::sample::Index,
    ) {
        let release = mixed_release();
        let mut value = serde_json::to_value(release.manifest()).unwrap();
        let mut all = Vec::new();
        places(&value, "", &mut all);
        let moved = value.pointer(&all[other.index(all.len())]).unwrap().clone();
        let place = value.pointer_mut(&all[place.index(all.len())]).unwrap();
        match (change, &mut *place) {
            (0, Value::Object(entries)) => {
                entries.insert(text, moved);
            }
            (1, Value::Object(entries)) => {
                let key = entries.keys().nth(number % entries.len().max(1)).cloned();
                key.and_then(|key| entries.remove(&key));
            }
            (2, place) => *place = moved,
            (3, place) => *place = number.into(),
            (_, place) => *place = text.into(),
        }
        if let Ok(read) = Manifest::from_json(json(&value).as_bytes()) {
            prop_assert_eq!(covered(&read), covered(release.manifest()));
        }
    }

    #[test]
    fn a_changed_byte_makes_no_manifest_or_leaves_what_boots(
        place: prop::sample::Index,
        byte: u8,
    ) {
        let release = mixed_release();
        let mut json = release.manifest().to_json().unwrap();
        let place = place.index(json.len());
        json[place] = byte;
        if let Ok(read) = Manifest::from_json(&json) {
            prop_assert_eq!(covered(&read), covered(release.manifest()));
        }
    }
}
