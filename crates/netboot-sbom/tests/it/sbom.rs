//! An SBOM has everything that an image consists of, and a foreign text is no SBOM.

use cyclonedx_bom::models::bom::{Bom, SpecVersion};
use cyclonedx_bom::validation::Validate;
use netboot_core::{Artifact, ArtifactKind, DocumentKind, Image, Release, layout};
use netboot_sbom::{Bill, Error, sbom, with_documents};
use serde_json::{Value, json};

use crate::sample::{artifact, begin, built, materials, prebuilt, store_path};

fn value(json: &[u8]) -> Value {
    serde_json::from_slice(json).unwrap()
}

#[test]
fn an_sbom_has_files_store_paths_and_what_they_need() {
    let bytes = sbom(&built()).unwrap();
    let document = value(&bytes);
    assert_eq!(document["bomFormat"], "CycloneDX");
    assert_eq!(document["specVersion"], "1.5");
    assert_eq!(document["metadata"]["component"]["name"], "worker");
    assert_eq!(document["metadata"]["component"]["version"], "25.05");
    let components = document["components"].as_array().unwrap();
    let find = |name: &str| components.iter().find(|one| one["name"] == name).unwrap();
    let bash = find("bash");
    assert_eq!(bash["version"], "5.2");
    assert_eq!(bash["licenses"], json!([{ "license": { "id": "GPL-3.0-or-later" } }]));
    assert_eq!(find("odd")["licenses"], json!([{ "license": { "name": "Our own licence" } }]));
    assert!(find("odd")["version"].as_str().is_none_or(str::is_empty));
    let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(bash["hashes"], json!([{ "alg": "SHA-256", "content": digest }]));
    assert_eq!(find("bzImage")["type"], "file");
    assert_eq!(
        (&bash["type"], &bash["purl"]),
        (&"application".into(), &"pkg:generic/bash@5.2".into())
    );
    assert!(find("odd").get("purl").is_none() && find("odd")["type"] == "application");

    let depends = |on: &str| {
        let all = document["dependencies"].as_array().unwrap();
        all.iter().find(|one| one["ref"] == on).unwrap()["dependsOn"].clone()
    };
    // A reference to a path that is not in the image would point nowhere.
    assert_eq!(depends(&store_path("bash-5.2")), json!([store_path("glibc-2.40-66")]));
    let system = store_path("nixos-system-worker-25.05");
    assert_eq!(depends("image"), json!([system, "file:bzImage", "file:initrd"]));
    assert!(document["metadata"].get("timestamp").is_none());
}

#[test]
fn a_package_url_is_escaped_and_names_no_output() {
    let packages = [("curl-8.11.0-bin", 1), ("gtk+-3.24?a=1", 1), ("unit-sshd.service", 1)];
    let image = begin().materials(materials(&packages)).build().unwrap();
    let document = value(&sbom(&image).unwrap());
    let components = document["components"].as_array().unwrap();
    let find = |name: &str| components.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(find("curl")["purl"], "pkg:generic/curl@8.11.0");
    assert_eq!(find("curl")["version"], "8.11.0-bin");
    assert_eq!(find("gtk+")["purl"], "pkg:generic/gtk%2B@3.24%3Fa%3D1");
    let unit = find("unit-sshd.service");
    assert!(unit.get("purl").is_none() && unit["type"] == "file", "{unit}");
}

#[test]
fn an_sbom_is_valid_by_its_specification() {
    let mut of_licences = materials(&[("a-1", 1), ("unit-sshd.service", 2)]);
    let licences = [
        // In the SPDX License List since 3.0, since 3.23, of no list, and of no list but in form.
        ("MIT", "id"),
        ("Unicode-3.0", "name"),
        ("Our own licence", "name"),
        ("MIT+", "name"),
        ("GPL-2.0+", "id"),
    ];
    let material = of_licences.store_paths.get_mut(&store_path("a-1")).unwrap();
    material.licences = licences.iter().map(|(text, _)| (*text).to_owned()).collect();
    let licensed = begin().materials(of_licences).build().unwrap();
    for image in [&built(), &prebuilt(), &licensed] {
        let json = sbom(image).unwrap();
        let bom = Bom::parse_from_json(json.as_slice()).unwrap();
        let found = bom.validate_version(SpecVersion::V1_5);
        assert!(found.passed(), "{found:?}");
    }
    let document = value(&sbom(&licensed).unwrap());
    let components = document["components"].as_array().unwrap();
    let found = &components.iter().find(|one| one["name"] == "a").unwrap()["licenses"];
    for (text, key) in licences {
        let is_it = |one: &&Value| one["license"][key] == text;
        assert!(found.as_array().unwrap().iter().any(|one| is_it(&one)), "{text}: {found}");
    }
}

#[test]
fn a_store_path_always_has_a_digest() {
    let mut materials = materials(&[("a-1", 1)]);
    materials.store_paths.get_mut(&store_path("a-1")).unwrap().nar_hash = "md5-x".to_owned();
    let error = sbom(&begin().materials(materials).build().unwrap()).unwrap_err();
    assert!(matches!(error, Error::Unwritable { .. }), "{error:?}");
}

#[test]
fn an_image_without_materials_keeps_its_documents() {
    let full = artifact(ArtifactKind::Document, "sbom.cdx.json", "the SBOM of its builder");
    let digest = full.sha256();
    let kept = |image: Image| {
        let image = image.with_document(DocumentKind::Sbom, full.clone()).unwrap();
        let image = with_documents(image, &DocumentKind::ALL).unwrap();
        assert!(image.documents().contains_key(&DocumentKind::Provenance));
        image.documents()[&DocumentKind::Sbom].sha256() == digest
    };
    assert!(kept(prebuilt()));
    assert!(!kept(built()), "an image with materials gets an SBOM of what they are now");
}

#[test]
fn equal_images_have_equal_bytes_and_other_images_other_serial_numbers() {
    assert_eq!(sbom(&built()).unwrap(), sbom(&built()).unwrap());
    let serial = |json: &[u8]| value(json)["serialNumber"].as_str().unwrap().to_owned();
    let [one, other] = [built(), prebuilt()].map(|image| serial(&sbom(&image).unwrap()));
    assert_ne!(one, other);
    assert_eq!(one.len(), "urn:uuid:".len() + 36);
    assert_eq!(&one[one.len() - 22..one.len() - 21], "8", "{one} is a UUID of version 8");
}

#[test]
fn an_image_without_materials_consists_of_its_files() {
    let bill = Bill::parse(&sbom(&prebuilt()).unwrap()).unwrap();
    assert!(bill.store_paths.is_empty());
    let names: Vec<&str> = bill.files.keys().map(netboot_core::FileName::as_str).collect();
    assert_eq!(names, ["bzImage", "initrd"]);
    assert!(bill.files.values().all(|content| content.size == 10));
}

#[test]
fn an_sbom_comes_back_as_a_bill() {
    let image = built();
    let bill = Bill::parse(&sbom(&image).unwrap()).unwrap();
    let materials = image.materials().unwrap();
    assert!(bill.store_paths.keys().eq(materials.store_paths.keys()));
    for (path, item) in &bill.store_paths {
        let material = &materials.store_paths[path];
        assert_eq!((item.size, &item.licences), (material.nar_size, &material.licences));
    }
    assert_eq!(bill.size(), 4007);
}

#[test]
fn a_release_has_the_documents_as_files_and_its_id_covers_them() {
    let release = |image| {
        let script = || {
            let kind = netboot_core::ArtifactKind::Script;
            netboot_core::BytesArtifact::new(kind, "boot.ipxe", "#!ipxe\n").unwrap()
        };
        let pointer = format!(
            "#!ipxe\n{}\nchain releases/{}/boot.ipxe\n",
            layout::GENERATED_MARK,
            netboot_core::RELEASE_ID_PLACEHOLDER
        );
        Release::builder([image])
            .script(layout::boot_script(), script())
            .script("worker/netboot.ipxe", script())
            .build(netboot_core::PointerTemplate::new(pointer).unwrap())
            .unwrap()
    };
    let plain = release(built());
    let documented = release(with_documents(built(), &DocumentKind::ALL).unwrap());
    assert_ne!(plain.id(), documented.id());
    let again = release(with_documents(built(), &DocumentKind::ALL).unwrap());
    assert_eq!(again.manifest(), documented.manifest());
    for kind in DocumentKind::ALL {
        let path = layout::document(&"worker".parse().unwrap(), kind);
        assert!(documented.manifest().files().contains_key(&path), "{path}");
        assert!(!plain.manifest().files().contains_key(&path), "{path}");
    }
}

#[test]
fn what_no_image_has_is_no_bill() {
    let sound = String::from_utf8(sbom(&built()).unwrap()).unwrap();
    Bill::parse(sound.as_bytes()).unwrap();
    let digest = "\"alg\": \"SHA-256\"";
    for (old, new) in [
        ("\"CycloneDX\"", "\"CycloneDX"),
        ("\"specVersion\": \"1.5\"", "\"specVersion\": \"9.9\""),
        ("\"value\": \"3000\"", "\"value\": \"-1\""),
        ("\"value\": \"3000\"", "\"value\": \"99999999999999999999\""),
        ("\"name\": \"netboot:size\"", "\"name\": \"size\""),
        ("\"name\": \"nix:store_path\"", "\"name\": \"path\""),
        ("\"value\": \"/nix/store/", "\"value\": \"nix/store/"),
        ("bash-5.2\"", "bash-\\u001b[2K5.2\""),
        ("/nix/store/0", "/nix/\\u001b[2Kstore/0"),
        ("\"name\": \"bzImage\"", "\"name\": \"\\u001b[2K\""),
        ("\"name\": \"bzImage\"", "\"name\": \"../bzImage\""),
        ("\"name\": \"bzImage\"", "\"name\": \"initrd\""),
        (digest, "\"alg\": \"MD5\""),
    ] {
        assert!(sound.contains(old), "{old}");
        let error = Bill::parse(sound.replace(old, new).as_bytes()).unwrap_err();
        assert!(matches!(error, Error::UnreadableSbom { .. }), "{new}: {error:?}");
        assert!(error.hint().is_some() && !error.to_string().contains('\u{1b}'), "{error}");
    }
    // A licence is no part of an image, so one that nobody could read is left out. The name of a
    // store path counts, and not that of its component.
    let odd = sound.replace("Our own licence", "Our \\u001b[2K licence");
    let odd = odd.replace("\"name\": \"odd\"", "\"name\": \"\\u001b[2K\"");
    assert_ne!(odd, sound);
    let bill = Bill::parse(odd.as_bytes()).unwrap();
    assert!(!format!("{bill:?}").contains("2K"), "{bill:?}");
    let large = format!("{}{sound}", " ".repeat(32 << 20));
    let error = Bill::parse(large.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("32 MiB"), "{error}");
    for text in ["", "[]", "{}", "null", "<html>"] {
        Bill::parse(text.as_bytes()).unwrap_err();
    }
    Bill::parse("[".repeat(100_000).as_bytes()).unwrap_err();
}
