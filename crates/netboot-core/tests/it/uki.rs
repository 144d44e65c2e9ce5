//! Images with a UKI, and releases of them.

use netboot_core::{ArtifactKind, Error, Image, Manifest, Release, Sha256Digest, layout};

use crate::sample::{artifact, image, pointer, release, scripted};

fn with_uki(name: &str) -> Image {
    image(name).with_uki(artifact(ArtifactKind::Uki, "worker.efi", "the UKI")).unwrap()
}

fn released(image: Image) -> Release {
    scripted([image]).build(pointer()).unwrap()
}

#[test]
fn a_uki_is_published_as_a_blob_and_is_not_part_of_the_payload() {
    let release = released(with_uki("worker"));
    let manifest = release.manifest();
    let sha256 = Sha256Digest::of(b"the UKI");
    assert_eq!(manifest.blobs()[&sha256], 7);
    assert!(release.blobs().contains_key(&sha256));
    assert!(manifest.objects().contains_key(&layout::blob(&sha256)));
    let worker = &manifest.images()["worker"];
    assert!(worker.payload().all(|file| file.sha256 != sha256));
    assert_eq!(worker.boot_files().count(), worker.payload().count() + 1);
    assert_eq!(worker.uki.as_ref().unwrap().file_name.as_str(), "worker.efi");

    let json = manifest.to_json().unwrap();
    assert_eq!(&Manifest::from_json(&json).unwrap(), manifest);
}

#[test]
fn an_image_comes_back_from_its_manifest_with_its_uki() {
    let worker = with_uki("worker");
    let files: Vec<_> = worker.boot_files().cloned().collect();
    let manifest = worker.manifest();
    let back = Image::from_manifest(worker.profile(), &manifest, |kind, record| {
        let file = files.iter().find(|file| file.sha256() == record.sha256).unwrap().clone();
        assert_eq!(file.kind(), kind);
        file
    });
    assert_eq!(back.unwrap().manifest(), manifest);
}

#[test]
fn the_id_covers_the_uki() {
    let (without, with) = (release(&["worker"]), released(with_uki("worker")));
    assert_ne!(without.id(), with.id());
    let json = String::from_utf8(with.manifest().to_json().unwrap()).unwrap();
    let renamed = json.replace("worker.efi", "other.efi");
    assert_ne!(renamed, json);
    let error = Manifest::from_json(renamed.as_bytes()).unwrap_err();
    assert!(matches!(error, Error::ManifestMismatch { .. }), "{error:?}");
}

#[test]
fn a_uki_has_its_kind_a_content_and_a_name_of_its_own() {
    let other_kind = artifact(ArtifactKind::Kernel, "worker.efi", "the UKI");
    let error = image("worker").with_uki(other_kind).unwrap_err();
    assert!(matches!(error, Error::WrongArtifactKind { .. }), "{error:?}");
    let empty = artifact(ArtifactKind::Uki, "worker.efi", "");
    let error = image("worker").with_uki(empty).unwrap_err();
    assert!(matches!(error, Error::EmptyArtifact { kind: ArtifactKind::Uki, .. }), "{error:?}");
    let kernel = image("worker").kernel().file_name().to_string();
    let error = image("worker").with_uki(artifact(ArtifactKind::Uki, &kernel, "x")).unwrap_err();
    assert!(matches!(error, Error::Duplicate { .. }), "{error:?}");
}
