//! Images, releases, their ids and their manifests.

use std::collections::BTreeMap;
use std::sync::Arc;

use netboot_core::{
    Architecture, Artifact, ArtifactKind, BytesArtifact, Error, FileName, Image, ImageBuilder,
    InvalidValue, Release, ReleaseBuilder, ReleasePath, Sha256Digest, ValueKind, layout,
};

use crate::sample::{
    MARKED, artifact, begin, image, initrd, kernel, pointer, profile, release, script, scripted,
};

#[test]
fn what_only_scripts_name_is_a_blob_and_changes_the_id() {
    let names = ["worker"];
    let signature = || {
        let name = FileName::new("initrd.sig").unwrap();
        Arc::new(BytesArtifact::new(ArtifactKind::Signature, name, "signed").unwrap())
    };
    let with_signature = scripted(names.map(image)).blob(signature()).blob(signature());
    let with_signature = with_signature.build(pointer()).unwrap();
    let without = release(&names);
    assert_eq!(with_signature.blobs().len(), without.blobs().len() + 1);
    let digest = Sha256Digest::of(b"signed");
    assert_eq!(with_signature.manifest().blobs()[&digest], 6);
    assert_ne!(with_signature.id(), without.id());
}

#[test]
fn equal_releases_have_equal_manifests_byte_for_byte() {
    let one = release(&["worker", "control-plane"]);
    let other = release(&["control-plane", "worker"]);
    assert_eq!(one.id(), other.id());
    assert_eq!(one.manifest().to_json().unwrap(), other.manifest().to_json().unwrap());
}

#[test]
fn another_log_makes_no_other_release() {
    let with_log = |text: &str| {
        let log = artifact(ArtifactKind::BuildLog, "build.log", text);
        let profile = profile("worker").with_services(["novanet"]).unwrap();
        let image = begin(&profile)
            .kernel(kernel("the kernel"))
            .initrd(initrd("initrd", "worker"))
            .initrd(initrd("layer", "a layer"))
            .build_log(log)
            .provenance(image("worker").provenance().clone());
        scripted([image.build().unwrap()]).build(pointer()).unwrap()
    };
    let (one, other) = (with_log("built it"), with_log("it was there"));
    assert_eq!(one.id(), other.id());
    assert_eq!(one.id(), release(&["worker"]).id());
    assert_eq!(one.manifest().to_json().unwrap(), other.manifest().to_json().unwrap());
    let log = |release: &Release| release.logs().values().next().unwrap().sha256();
    assert_ne!(log(&one), log(&other));
}

#[test]
fn a_release_that_lacks_a_part_is_not_made() {
    let build = |builder: ReleaseBuilder| {
        let error = builder.build(pointer()).unwrap_err();
        assert!(error.hint().is_some());
        error
    };
    let error = build(Release::builder([]));
    assert!(matches!(error, Error::EmptyRelease), "{error:?}");

    for (script_path, missing) in
        [("boot.ipxe", "worker/netboot.ipxe"), ("worker/netboot.ipxe", "boot.ipxe")]
    {
        let path = ReleasePath::new(script_path).unwrap();
        let error = build(Release::builder([image("worker")]).script(path, script("x")));
        let Error::MissingScript { path } = error else { panic!("{error:?}") };
        assert_eq!(path.as_str(), missing);
    }

    let duplicate = |builder| match build(builder) {
        Error::Duplicate { name } => name,
        error => panic!("{error:?}"),
    };
    assert_eq!(duplicate(scripted([image("worker"), image("worker")])), "worker");
    for taken in ["boot.ipxe", "worker/build.log"] {
        let path = ReleasePath::new(taken).unwrap();
        assert_eq!(duplicate(scripted([image("worker")]).script(path, script("x"))), taken);
    }
    for taken in [
        "manifest.json",
        "manifest.json.minisig",
        "pointer.ipxe",
        "incomplete.json",
        "manifest.json/x",
    ] {
        let path = ReleasePath::new(taken).unwrap();
        let error = build(scripted([image("worker")]).script(path.clone(), script("x")));
        assert!(matches!(&error, Error::ReservedPath { path: p } if *p == path), "{error:?}");
    }
    for taken in ["releases", "releases/boot.ipxe", "blobs/boot.ipxe"] {
        let path = ReleasePath::new(taken).unwrap();
        let error = build(scripted([image("worker")]).entry_point(path.clone(), MARKED));
        assert!(matches!(&error, Error::ReservedPath { path: p } if *p == path), "{error:?}");
    }
    for (file, below) in [("worker", "worker/netboot.ipxe"), ("boot.ipxe/x", "boot.ipxe/x")] {
        let path = ReleasePath::new(file).unwrap();
        for builder in [
            scripted([image("worker")]).script(path.clone(), script("x")),
            scripted([image("worker")]).entry_point(path.clone(), MARKED),
        ] {
            let error = build(builder);
            let Error::FileAboveFile { below: found, .. } = error else { panic!("{error:?}") };
            assert_eq!(found.as_str(), below);
        }
    }
    let long = ReleasePath::new(["x"; 220].join("/")).unwrap();
    let error = build(scripted([image("worker")]).script(long, script("x")));
    assert!(matches!(error, Error::InvalidValue(_)), "{error:?}");
    let large = vec![b' '; 1024 * 1024];
    let text = [MARKED.as_bytes(), &large[..]].concat();
    let error = build(scripted([image("worker")]).entry_point(layout::manifest(), text));
    assert!(matches!(error, Error::ReleaseTooLarge { .. }), "{error:?}");
    let place = layout::boot_program(Architecture::X86_64);
    for (size, fits) in [(2 << 20, true), (17 << 20, false)] {
        let bytes = [&b"MZ"[..], &vec![0; size]].concat();
        let made = scripted([image("worker")]).entry_point(place.clone(), bytes).build(pointer());
        assert_eq!(made.is_ok(), fits, "{made:?}");
    }
    let twice = scripted([image("worker")]).entry_point(layout::boot_script(), MARKED);
    assert_eq!(duplicate(twice), "boot.ipxe");

    let path = ReleasePath::new("x.ipxe").unwrap();
    let error = build(scripted([image("worker")]).entry_point(path.clone(), "#!ipxe\n"));
    assert!(matches!(&error, Error::UnmarkedEntryPoint { path: p, .. } if *p == path), "{error:?}");
}

#[test]
fn an_image_that_lacks_a_part_is_not_made() {
    let error = |builder: ImageBuilder| {
        let error = builder.build().unwrap_err();
        assert!(error.hint().is_some());
        error
    };
    let worker = profile("worker");
    let begin = || begin(&worker);
    let missing = |builder| match error(builder) {
        Error::IncompleteImage { profile, missing } => {
            assert_eq!(profile.as_str(), "worker");
            missing
        }
        error => panic!("{error:?}"),
    };
    assert_eq!(missing(begin()), "kernel");
    assert_eq!(missing(begin().initrd(initrd("initrd", "x"))), "kernel");
    assert_eq!(missing(begin().kernel(kernel("x"))), "initrd");

    let whole = || begin().kernel(kernel("x")).initrd(initrd("initrd", "x"));
    let wrong = |builder| match error(builder) {
        Error::WrongArtifactKind { expected, found, .. } => (expected, found),
        error => panic!("{error:?}"),
    };
    let (of_kernel, of_initrd) = (ArtifactKind::Kernel, ArtifactKind::Initrd);
    assert_eq!(wrong(whole().kernel(initrd("a", "x"))), (of_kernel, of_initrd));
    assert_eq!(wrong(whole().initrd(kernel("x"))), (of_initrd, of_kernel));
    assert_eq!(
        wrong(whole().build_log(script("x"))),
        (ArtifactKind::BuildLog, ArtifactKind::Script)
    );

    for (builder, kind) in [
        (whole().kernel(kernel("")), ArtifactKind::Kernel),
        (whole().initrd(initrd("b", "")), ArtifactKind::Initrd),
    ] {
        let error = error(builder);
        let Error::EmptyArtifact { kind: found, .. } = error else { panic!("{error:?}") };
        assert_eq!(found, kind);
    }
    for builder in [whole().initrd(initrd("initrd", "y")), whole().initrd(initrd("bzImage", "y"))] {
        let error = error(builder);
        assert!(matches!(error, Error::Duplicate { .. }), "{error:?}");
    }
    let long = profile("worker")
        .with_kernel_parameters((0..3).map(|n| n.to_string().repeat(1000)))
        .unwrap();
    let too_long = crate::sample::begin(&long).kernel(kernel("x")).initrd(initrd("initrd", "x"));
    let error = error(too_long);
    let Error::InvalidValue(InvalidValue { kind, .. }) = error else { panic!("{error:?}") };
    assert_eq!(kind, ValueKind::KernelCommandLine);
}

#[test]
fn a_profile_s_parameters_stand_behind_the_configuration_s_and_only_once() {
    let texts = ["console=ttyS0", "loglevel=4", "console=ttyS0"];
    let profile = profile("worker").with_kernel_parameters(texts.map(|text| text)).unwrap();
    let image = begin(&profile).kernel(kernel("x")).initrd(initrd("initrd", "x")).build().unwrap();
    let line = image.boot().command_line().unwrap().to_string();
    assert_eq!(line, "init=/nix/store/0a-system/init loglevel=4 console=ttyS0");
}

#[test]
fn an_image_comes_back_from_its_manifest() {
    let image = image("worker");
    let manifest = image.manifest();
    let parts: BTreeMap<Sha256Digest, Arc<dyn Artifact>> =
        image.payload().map(|part| (part.sha256(), part.clone())).collect();
    let read = Image::from_manifest(image.profile(), &manifest, |kind, record| {
        let part = parts[&record.sha256].clone();
        assert_eq!(
            (part.kind(), part.file_name(), part.size()),
            (kind, &record.file_name, record.size)
        );
        part
    })
    .unwrap();
    assert_eq!(read.manifest(), manifest);
    assert!(read.build_log().is_none());
    let log = |name| artifact(ArtifactKind::BuildLog, name, "built");
    let logged = read.clone().with_build_log(log("build.log")).unwrap();
    assert_eq!((logged.manifest(), logged.build_log().unwrap().size()), (read.manifest(), 5));
    let error = read.clone().with_build_log(script("x")).unwrap_err();
    assert!(matches!(error, Error::WrongArtifactKind { .. }), "{error:?}");
    let error = read.clone().with_build_log(log("initrd")).unwrap_err();
    assert!(matches!(error, Error::Duplicate { .. }), "{error:?}");
    assert_eq!((read.profile(), read.services().len()), (image.profile(), 1));
    assert_eq!(read.payload_size(), image.payload_size());
    assert_eq!(read.payload_size(), "the kernel".len() as u64 + 6 + 7);

    let error = Image::from_manifest(image.profile(), &manifest, |_, _| script("x")).unwrap_err();
    assert!(matches!(error, Error::WrongArtifactKind { .. }), "{error:?}");
}
