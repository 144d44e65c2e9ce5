//! Images of existing files.

mod initrds;

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use netboot_core::contract::{BuilderCases, check_builder};
use netboot_core::{
    Architecture, Builder, Context, Error, InitPath, Payload, PrebuiltBuilder, PrebuiltImage,
    Profile, ProfileName, ProfileSpec, Sha256Digest,
};
use tempfile::TempDir;

use crate::boot_files::kernel::image;
use crate::boot_files::{bz_image, cpio};

const INIT: &str = "/nix/store/0a-nixos-system/init";

fn name(text: &str) -> ProfileName {
    text.parse().unwrap()
}

fn profile(text: &str) -> Arc<dyn Profile> {
    Arc::new(ProfileSpec::new(name(text)).unwrap())
}

fn initrd(content: &str) -> Vec<u8> {
    cpio(&[("init", b"#!"), (&INIT[1..], b"#!"), ("etc/generation", content.as_bytes())])
}

/// Makes a directory like that of nixos-images.
fn write_image(directory: &Path, content: &str) {
    fs::create_dir_all(directory).unwrap();
    fs::write(directory.join("bzImage"), bz_image(10)).unwrap();
    fs::write(directory.join("initrd"), initrd(content)).unwrap();
    fs::write(directory.join("init"), format!("{INIT}\n")).unwrap();
    fs::write(directory.join("kernel-params"), "loglevel=4 console=ttyS0,115200\n").unwrap();
}

async fn build(directory: &Path) -> Result<netboot_core::Image, Error> {
    let image = PrebuiltImage::directory(directory);
    let builder = PrebuiltBuilder::new().with_image(name("worker"), image).unwrap();
    builder.build(profile("worker").as_ref(), &Context::new()).await
}

/// Returns the source of the error that names the builder and the profile.
fn cause(error: &Error) -> &Error {
    let Error::Build { builder, profile, source, .. } = error else { panic!("{error:?}") };
    assert_eq!((builder.as_str(), profile.as_str()), ("prebuilt", "worker"));
    let cause = source.downcast_ref::<Error>().unwrap();
    assert!(cause.hint().is_some() && cause.hint() == error.hint(), "{error:?}");
    assert!(error.source().is_some());
    cause
}

#[tokio::test]
async fn it_keeps_the_contract_of_a_builder() {
    let place = TempDir::new().unwrap();
    let mut builder = PrebuiltBuilder::new();
    for text in ["control-plane", "worker", "all-in-one", "broken"] {
        write_image(&place.path().join(text), text);
        let image = PrebuiltImage::directory(place.path().join(text));
        builder = builder.with_image(name(text), image).unwrap();
    }
    fs::write(place.path().join("broken/bzImage"), "<html>404</html>").unwrap();
    let good = ["control-plane", "worker", "all-in-one"].map(profile);
    let cases = BuilderCases::new(good.clone(), profile("broken"));
    check_builder(&builder, cases).await;
    // An unknown profile fails by these rules too, also through an Arc.
    let shared: Arc<dyn Builder> = Arc::new(builder);
    check_builder(&shared, BuilderCases::new(good, profile("unknown"))).await;
}

#[tokio::test]
async fn the_kernel_tells_the_architecture() {
    let place = TempDir::new().unwrap();
    let found = async || PrebuiltImage::directory(place.path()).find_architecture().await;
    assert_eq!(found().await, None);
    write_image(place.path(), "one");
    assert_eq!(found().await, Some(Architecture::X86_64));
    fs::write(place.path().join("Image"), image(0xaa64, b"ARM\x64")).unwrap();
    assert_eq!(found().await, None);
    fs::remove_file(place.path().join("bzImage")).unwrap();
    assert_eq!(found().await, Some(Architecture::Aarch64));
    let kernel = place.path().join("other");
    fs::write(&kernel, image(0x5064, b"RSC\x05")).unwrap();
    let files = PrebuiltImage::files(&kernel, ["initrd"], INIT, ["quiet"]).unwrap();
    assert_eq!(files.find_architecture().await, Some(Architecture::Riscv64));
    fs::write(&kernel, "<html>404</html>").unwrap();
    assert_eq!(files.find_architecture().await, None);
}

#[tokio::test]
async fn files_are_given_one_by_one() {
    let place = TempDir::new().unwrap();
    let at = |text: &str| place.path().join(text);
    fs::write(at("kernel"), bz_image(10)).unwrap();
    fs::write(at("microcode"), cpio(&[("kernel/x86/microcode/GenuineIntel.bin", b"...")])).unwrap();
    fs::write(at("main"), initrd("1")).unwrap();
    let image =
        PrebuiltImage::files(at("kernel"), [at("microcode"), at("main")], INIT, ["quiet"]).unwrap();
    for (init, parameter) in [("init", "quiet"), (INIT, "init=/bin/sh")] {
        let refused = PrebuiltImage::files(at("kernel"), [at("main")], init, [parameter]);
        assert!(matches!(refused, Err(Error::InvalidValue(_))), "{refused:?}");
    }
    let builder = PrebuiltBuilder::new().with_image(name("worker"), image).unwrap();
    let image = builder.build(profile("worker").as_ref(), &Context::new()).await.unwrap();
    let names: Vec<_> = image.payload().map(|part| part.file_name().to_string()).collect();
    assert_eq!(names, ["bzImage", "initrd", "initrd-2"]);
    assert_eq!(image.initrds()[1].sha256(), Sha256Digest::of(&initrd("1")));
    assert_eq!(image.boot().command_line().unwrap().to_string(), format!("init={INIT} quiet"));
    assert_eq!(image.provenance().builder, "prebuilt");
}

#[tokio::test]
async fn each_layout_of_a_directory_is_read() {
    let place = TempDir::new().unwrap();
    write_image(place.path(), "1");
    let first = build(place.path()).await.unwrap();
    let line = format!("init={INIT} loglevel=4 console=ttyS0,115200");
    assert_eq!(first.boot().command_line().unwrap().to_string(), line);

    // In NixOS's `netboot`, the script contains the content of `init` and `kernel-params`.
    fs::remove_file(place.path().join("init")).unwrap();
    let script = format!(
        "#!ipxe\nkernel bzImage init={INIT} initrd=initrd loglevel=4 console=ttyS0,115200 ${{cmdline}}\ninitrd initrd\nboot\n"
    );
    fs::write(place.path().join("netboot.ipxe"), script).unwrap();
    assert_eq!(build(place.path()).await.unwrap().manifest(), first.manifest());

    // In a release of nixos-images, every name contains the system.
    for (old, new) in [
        ("bzImage", "bzImage-x86_64-linux"),
        ("initrd", "initrd-x86_64-linux"),
        ("netboot.ipxe", "netboot-x86_64-linux.ipxe"),
    ] {
        fs::rename(place.path().join(old), place.path().join(new)).unwrap();
    }
    assert_eq!(build(place.path()).await.unwrap().manifest(), first.manifest());
}

#[tokio::test]
async fn what_is_missing_in_a_directory_is_said() {
    let place = TempDir::new().unwrap();
    let missing = build(&place.path().join("nowhere")).await.unwrap_err();
    assert!(matches!(cause(&missing), Error::Io { .. }), "{missing:?}");
    let says = |error: &Error| {
        let Error::UnrecognisedImage { problem, .. } = cause(error) else { panic!("{error:?}") };
        problem.clone()
    };
    let file = place.path().join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(says(&build(&file).await.unwrap_err()), "it is not a directory");
    let empty = build(place.path()).await.unwrap_err();
    assert!(says(&empty).contains("such as `bzImage`"), "{empty:?}");
    let archive = place.path().join("nixos-kexec-installer-x86_64-linux.tar.gz");
    fs::write(&archive, "").unwrap();
    assert_eq!(says(&build(&archive).await.unwrap_err()), "it is an archive");
    write_image(place.path(), "1");
    fs::remove_file(place.path().join("init")).unwrap();
    let no_init = build(place.path()).await.unwrap_err();
    assert!(says(&no_init).contains("`netboot.ipxe`"), "{no_init:?}");
    fs::write(place.path().join("netboot.ipxe"), "#!ipxe\nkernel memtest\n").unwrap();
    let no_line = build(place.path()).await.unwrap_err();
    assert!(says(&no_line).contains("init="), "{no_line:?}");
    // The old runbook had an `init=` that no kernel expands.
    fs::write(place.path().join("init"), "/nix/store/*/init\n").unwrap();
    let glob = build(place.path()).await.unwrap_err();
    assert!(matches!(cause(&glob), Error::InvalidValue(_)), "{glob:?}");
}

/// The names of Debian's installer, of `/boot`, of builds of Linux, and of nixos-images on ARM.
#[tokio::test]
async fn other_well_known_names_are_taken_if_they_leave_no_choice() {
    let (x86, arm) = (Architecture::X86_64, Architecture::Aarch64);
    let own = "bzImage-x86_64-linux";
    for (architecture, kernel, initrd) in [
        (x86, "linux", "initrd.gz"),
        (x86, "vmlinuz-6.1.0-50-amd64", "initrd.img-6.1.0-50-amd64"),
        (x86, "vmlinuz", "initramfs.img"),
        (x86, "kernel", "initrd.zst"),
        (arm, "bzImage-aarch64-linux", "initrd-aarch64-linux"),
        (arm, "bzImage-aarch64-linux", "netboot-initrd-aarch64-linux"),
        (arm, "Image", "initrd"),
        (arm, "Image.gz", "initrd"),
        (arm, "vmlinuz.efi", "initrd"),
    ] {
        let place = TempDir::new().unwrap();
        write_image(place.path(), "1");
        let at = |name: &str| place.path().join(name);
        fs::remove_file(at("bzImage")).unwrap();
        let bytes = if architecture == x86 { bz_image(10) } else { image(0xaa64, b"ARM\x64") };
        fs::write(at(kernel), bytes).unwrap();
        fs::rename(at("initrd"), at(initrd)).unwrap();
        let profile = ProfileSpec::new(name("worker")).unwrap().with_architecture(architecture);
        let directory = PrebuiltImage::directory(place.path());
        let builder = PrebuiltBuilder::new().with_image(name("worker"), directory).unwrap();
        let image = builder.build(&profile, &Context::new()).await.unwrap();
        assert_eq!(image.kernel().file_name().as_str(), architecture.kernel_file_name());

        // The kernel of another architecture is no second one, and another kernel is.
        if architecture == arm {
            fs::write(at(own), bz_image(10)).unwrap();
            builder.build(&profile, &Context::new()).await.unwrap();
        }
        if kernel != "Image" {
            fs::write(at("vmlinux"), bz_image(10)).unwrap();
            let error = builder.build(&profile, &Context::new()).await.unwrap_err();
            let Error::UnrecognisedImage { problem, .. } = cause(&error) else { panic!("{error}") };
            assert!(problem.contains("more than one kernel"), "{problem}");
            // The hint asks for one.
            fs::remove_file(at("vmlinux")).unwrap();
            builder.build(&profile, &Context::new()).await.unwrap();
        }
    }
}

/// Stage 1 may fetch the root over the network, or mount a disk.
#[tokio::test]
async fn a_system_outside_of_the_initrd_is_taken_where_the_profile_says_so() {
    let place = TempDir::new().unwrap();
    write_image(place.path(), "1");
    fs::write(place.path().join("initrd"), cpio(&[("init", b"#!/bin/sh\n")])).unwrap();
    let error = build(place.path()).await.unwrap_err();
    assert!(matches!(&error, Error::InitMissing { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("`external`"), "{error:?}");

    let toml = "[[profiles]]\nname = \"worker\"\npayload = \"external\"\n";
    let profiles = ProfileSpec::parse_toml(toml, "p.toml").unwrap();
    assert_eq!(profiles[0].payload(), Some(Payload::External));
    let directory = PrebuiltImage::directory(place.path());
    let builder = PrebuiltBuilder::new().with_image(name("worker"), directory).unwrap();
    let image = builder.build(&profiles[0], &Context::new()).await.unwrap();
    assert_eq!(image.boot().init().as_str(), INIT);
}

#[tokio::test]
async fn damaged_parts_are_refused() {
    let place = TempDir::new().unwrap();
    write_image(place.path(), "1");
    fs::write(place.path().join("initrd"), &initrd("1")[..200]).unwrap();
    let cut = build(place.path()).await.unwrap_err();
    assert!(matches!(cause(&cut), Error::DamagedInitrd { .. }), "{cut:?}");

    fs::write(place.path().join("initrd"), cpio(&[("init", b"x")])).unwrap();
    let other = build(place.path()).await.unwrap_err();
    assert!(matches!(&other, Error::InitMissing { init, .. } if init.as_str() == INIT), "{other}");

    write_image(place.path(), "1");
    fs::write(place.path().join("bzImage"), &bz_image(10)[..1100]).unwrap();
    let short = build(place.path()).await.unwrap_err();
    assert!(matches!(cause(&short), Error::NotAKernel { .. }), "{short:?}");
}

#[tokio::test]
async fn a_digest_that_was_stated_is_held_against_the_file() {
    let place = TempDir::new().unwrap();
    write_image(place.path(), "1");
    let with = |sha256| {
        let image = PrebuiltImage::directory(place.path()).with_sha256("initrd", sha256);
        PrebuiltBuilder::new().with_image(name("worker"), image).unwrap()
    };
    let right = with(Sha256Digest::of(&initrd("1")));
    right.build(profile("worker").as_ref(), &Context::new()).await.unwrap();
    let wrong = with(Sha256Digest::of(&initrd("2")));
    let error = wrong.build(profile("worker").as_ref(), &Context::new()).await.unwrap_err();
    let Error::UnexpectedDigest { found, .. } = cause(&error) else { panic!("{error:?}") };
    assert_eq!(*found, Sha256Digest::of(&initrd("1")));
    // The hint says to download the file again.
    fs::write(place.path().join("initrd"), initrd("2")).unwrap();
    wrong.build(profile("worker").as_ref(), &Context::new()).await.unwrap();
}

#[tokio::test]
async fn a_profile_without_an_image_is_built_once_it_has_one() {
    let place = TempDir::new().unwrap();
    write_image(place.path(), "1");
    let of = |text: &str| (name(text), PrebuiltImage::directory(place.path()));
    let (worker, image) = of("worker");
    let builder = PrebuiltBuilder::new().with_image(worker, image).unwrap();
    let error = builder.build(profile("edge").as_ref(), &Context::new()).await.unwrap_err();
    assert!(matches!(&error, Error::UnknownProfile { .. }), "{error:?}");
    assert!(error.hint().unwrap().ends_with("which has: worker"), "{error:?}");
    let (edge, image) = of("edge");
    let builder = builder.with_image(edge, image).unwrap();
    builder.build(profile("edge").as_ref(), &Context::new()).await.unwrap();
}

/// A given digest is checked for every file of the image.
#[tokio::test]
async fn no_digest_that_was_stated_is_passed_over() {
    let place = TempDir::new().unwrap();
    write_image(place.path(), "1");
    let with = |path: &str, bytes: &[u8]| {
        let sha256 = Sha256Digest::of(bytes);
        let image = PrebuiltImage::directory(place.path()).with_sha256(path, sha256);
        PrebuiltBuilder::new().with_image(name("worker"), image).unwrap()
    };
    let built = async |builder: PrebuiltBuilder| {
        builder.build(profile("worker").as_ref(), &Context::new()).await
    };
    let init = fs::read(place.path().join("init")).unwrap();
    built(with("init", &init)).await.unwrap();
    let altered = built(with("init", b"/nix/store/0b/init")).await.unwrap_err();
    let Error::UnexpectedDigest { path, .. } = cause(&altered) else { panic!("{altered:?}") };
    assert_eq!(*path, place.path().join("init"));
    // The name is misspelled.
    let missing = built(with("initrd-x86_64", b"")).await.unwrap_err();
    let Error::Io { path, .. } = cause(&missing) else { panic!("{missing:?}") };
    assert_eq!(*path, place.path().join("initrd-x86_64"));
}

#[tokio::test]
async fn an_image_above_its_budget_is_remarked_on() {
    let place = TempDir::new().unwrap();
    write_image(place.path(), "1");
    let image = PrebuiltImage::directory(place.path());
    let builder = PrebuiltBuilder::new().with_image(name("worker"), image).unwrap();
    for (budget, warnings) in [(10, 1), (1_000_000, 0)] {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        let profile = ProfileSpec::new(name("worker")).unwrap().with_size_budget(budget);
        builder.build(&profile, &Context::new().with_events(sender)).await.unwrap();
        let mut found = 0;
        while let Ok(event) = receiver.try_recv() {
            found += i32::from(matches!(event, netboot_core::Event::Warning { .. }));
        }
        assert_eq!(found, warnings, "a budget of {budget} bytes");
    }
}

/// Adds a closure of two store paths to a directory with an image, and returns its description.
fn write_closure(directory: &Path) -> serde_json::Value {
    let blobs = directory.join("blobs");
    fs::create_dir_all(&blobs).unwrap();
    let text = format!("netboot-index 1\ninit {INIT}\nunpacked 8192 3\npaths 2\n...\n");
    let index = zstd::encode_all(text.as_bytes(), 3).unwrap();
    let add = |bytes: &[u8]| {
        let sha256 = Sha256Digest::of(bytes).to_string();
        fs::write(blobs.join(&sha256), bytes).unwrap();
        (sha256, bytes.len())
    };
    let (index, size) = add(&index);
    let stored = BTreeMap::from([add(b"one"), add(b"other")]);
    let description = serde_json::json!({
        "index": { "size": size, "sha256": index },
        "unpacked_bytes": 8192, "inodes": 3, "blobs": stored,
    });
    fs::write(directory.join("closure.json"), description.to_string()).unwrap();
    description
}

#[tokio::test]
async fn a_directory_may_have_a_closure() {
    let place = TempDir::new().unwrap();
    write_image(place.path(), "1");
    // The system is in the closure, not in the initrd.
    fs::write(place.path().join("initrd"), cpio(&[("init", b"#!/bin/sh\n")])).unwrap();
    let error = build(place.path()).await.unwrap_err();
    assert!(matches!(&error, Error::InitMissing { .. }), "{error:?}");
    let description = write_closure(place.path());
    let image = build(place.path()).await.unwrap();
    let closure = image.closure().unwrap();
    assert_eq!(serde_json::to_value(closure.manifest()).unwrap(), description);
    assert!(closure.artifacts().all(|artifact| artifact.local_path().is_some()));
}

#[tokio::test]
async fn a_closure_that_is_not_what_it_says_is_refused() {
    let place = TempDir::new().unwrap();
    write_image(place.path(), "1");
    let description = write_closure(place.path());
    let path = place.path().join("closure.json");
    let describe = |description: serde_json::Value| fs::write(&path, description.to_string());
    let refused = async || cause(&build(place.path()).await.unwrap_err()).to_string();

    // Another init than the index's is an image that cannot boot.
    fs::write(place.path().join("init"), "/nix/store/0b-other/init").unwrap();
    let error = build(place.path()).await.unwrap_err();
    let is_missing = |init: &InitPath| init.as_str() == "/nix/store/0b-other/init";
    assert!(matches!(&error, Error::InitMissing { init, .. } if is_missing(init)), "{error:?}");
    fs::write(place.path().join("init"), INIT).unwrap();

    for (field, value) in [("unpacked_bytes", 4096), ("inodes", 2)] {
        let mut changed = description.clone();
        changed[field] = value.into();
        describe(changed).unwrap();
        let shown = refused().await;
        assert!(shown.contains("its sizes are not those"), "{shown}");
    }
    let mut other_size = description.clone();
    let blobs = other_size["blobs"].as_object_mut().unwrap();
    let first = blobs.keys().next().unwrap().clone();
    blobs[&first] = 4000.into();
    describe(other_size).unwrap();
    let shown = refused().await;
    assert!(shown.contains(&first) && shown.contains("another size"), "{shown}");

    fs::write(&path, "{}").unwrap();
    let shown = refused().await;
    assert!(shown.contains("does not describe a closure"), "{shown}");

    describe(description.clone()).unwrap();
    let blob = place.path().join("blobs").join(&first);
    fs::write(&blob, "evil").unwrap();
    let shown = refused().await;
    assert!(shown.contains("instead of") && shown.contains(&first), "{shown}");
    fs::remove_file(&blob).unwrap();
    let shown = refused().await;
    assert!(shown.contains(&first), "{shown}");
    write_closure(place.path());
    let index = place.path().join("blobs").join(description["index"]["sha256"].as_str().unwrap());
    fs::write(index, "x").unwrap();
    let shown = refused().await;
    assert!(shown.contains("instead of"), "{shown}");
}
