//! Existing initrds that Linux unpacks, but does not start or does not unpack wholly.

mod xz_filters;

use std::fs;
use std::path::Path;

use netboot_core::{Context, Error, Event, Image, PrebuiltBuilder, PrebuiltImage};
use tempfile::TempDir;

use super::{INIT, build, initrd, name, profile, write_image};
use crate::boot_files::initrd::run;
use crate::boot_files::{bz_image, cpio, cpio_of};

/// The result of a build, and its warnings with their hints.
type Built = (Result<Image, Error>, Vec<(String, String)>);

/// Builds an image of several initrds.
async fn build_of(directory: &Path, initrds: &[&[u8]], parameters: &str) -> Built {
    build_with(directory, &bz_image(10), initrds, parameters).await
}

/// Builds an image of a kernel and several initrds.
async fn build_with(
    directory: &Path,
    kernel_bytes: &[u8],
    initrds: &[&[u8]],
    parameters: &str,
) -> Built {
    let kernel = directory.join("kernel");
    fs::write(&kernel, kernel_bytes).unwrap();
    let paths = initrds.iter().enumerate().map(|(index, bytes)| {
        let path = directory.join(format!("initrd-{index}"));
        fs::write(&path, bytes).unwrap();
        path
    });
    let parameters = parameters.split_whitespace();
    let image = PrebuiltImage::files(kernel, paths, INIT, parameters).unwrap();
    let builder = PrebuiltBuilder::new().with_image(name("worker"), image).unwrap();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let context = Context::new().with_events(sender);
    let result = netboot_core::Builder::build(&builder, &*profile("worker"), &context).await;
    let mut warnings = Vec::new();
    while let Ok(event) = receiver.try_recv() {
        if let Event::Warning { message, hint, .. } = event {
            warnings.push((message, hint.unwrap_or_default()));
        }
    }
    (result, warnings)
}

/// Linux starts `/init`, which starts the system's `init` later.
#[tokio::test]
async fn an_initrd_that_linux_cannot_start_is_refused() {
    let place = TempDir::new().unwrap();
    write_image(place.path(), "1");
    let system = cpio(&[(&INIT[1..], b"#!/bin/sh\n")]);
    fs::write(place.path().join("initrd"), &system).unwrap();
    let error = build(place.path()).await.unwrap_err();
    let Error::FirstProgram { program, problem, .. } = &error else { panic!("{error:?}") };
    assert_eq!((program.as_str(), *problem), ("/init", "no initrd contains it"));
    // The hint says to give NixOS's own initrd too.
    assert!(error.hint().unwrap().contains("give NixOS's own initrd too"), "{error:?}");
    let own = cpio(&[("init", b"#!/bin/sh\n")]);
    for initrds in [[&own, &system], [&system, &own]] {
        build_of(place.path(), &initrds.map(Vec::as_slice), "quiet").await.0.unwrap();
    }

    // It also says to make a program executable.
    let init = |mode, content: &'static [u8]| cpio_of(&[("init", mode, content)]);
    let program = init(0o100_755, b"#!/bin/sh\n");
    for (other, problem) in [
        (init(0o100_644, b"#!/bin/sh\n"), "it is not executable"),
        (init(0o100_755, b""), "it is empty"),
        (init(0o040_755, b""), "it is a directory"),
    ] {
        let (refused, _) = build_of(place.path(), &[&system, &other], "quiet").await;
        let error = refused.unwrap_err();
        assert!(error.to_string().ends_with(problem), "{error}");
        let hint = error.hint().unwrap();
        assert!(hint.contains("make a program of yours executable before you pack it"), "{hint}");
        // The last initrd that has the path counts.
        build_of(place.path(), &[&other, &system, &program], "quiet").await.0.unwrap();
        let (refused, _) = build_of(place.path(), &[&program, &system, &other], "quiet").await;
        refused.unwrap_err();
    }
    let link = cpio_of(&[("init", 0o120_777, INIT.as_bytes())]);
    build_of(place.path(), &[&link, &system], "quiet").await.0.unwrap();

    // Another program may be the first, and a disk may be mounted without a program.
    let (refused, _) = build_of(place.path(), &[&own, &system], "rdinit=/stage-1").await;
    let error = refused.unwrap_err();
    assert!(error.to_string().contains("`/stage-1`"), "{error}");
    let other = cpio(&[("stage-1", b"#!/bin/sh\n")]);
    build_of(place.path(), &[&other, &system], "rdinit=/stage-1").await.0.unwrap();
    // The hint also says to correct the path. The last one counts.
    let parameters = "rdinit=/stage-1 rdinit=/init";
    build_of(place.path(), &[&own, &system], parameters).await.0.unwrap();
    for root in ["root=/dev/sda1", "root=fstab root=PARTUUID=0a", "root=8:1"] {
        build_of(place.path(), &[&system], root).await.0.unwrap();
    }
    for root in ["root=fstab", "root=/dev/sda1 root=LABEL=nixos"] {
        build_of(place.path(), &[&system], root).await.0.unwrap_err();
    }
}

/// The order of `cpio`'s list is that of the archive.
#[tokio::test]
async fn files_without_their_directories_are_warned_of() {
    let place = TempDir::new().unwrap();
    let tree = TempDir::new().unwrap();
    for directory in ["etc/ssh", "bin"] {
        fs::create_dir_all(tree.path().join(directory)).unwrap();
    }
    for file in ["etc/ssh/config", "etc/hostname", "bin/sh"] {
        fs::write(tree.path().join(file), "x").unwrap();
    }
    let by_cpio = |list: &str| {
        let words = ["cpio", "--quiet", "-o", "-H", "newc"];
        run("cpio", &words, tree.path(), list.as_bytes())
    };
    let lost = by_cpio("bin\nbin/sh\netc/ssh/config\netc/ssh\netc\netc/hostname\n");
    let (image, warnings) = build_of(place.path(), &[&initrd("1"), &lost], "quiet").await;
    image.unwrap();
    // The first initrd has `etc`, so that only one file is lost.
    let [(message, hint)] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert!(message.contains("leave out `etc/ssh/config` of the initrd"), "{message}");
    assert!(message.contains("initrd-1"), "{message}");
    let (_, warnings) = build_of(place.path(), &[&lost, &initrd("1")], "quiet").await;
    let message = &warnings[0].0;
    assert!(message.contains("leave out `etc/ssh` and 1 path more of the initrd"), "{message}");

    let advice = "give `cpio` a list with each directory before its files, as `find` writes it";
    assert_eq!(hint, advice);
    let words = ["sh", "-c", "find . | cpio -o -H newc"];
    let followed = run("cpio", &words, tree.path(), b"");
    let (image, warnings) = build_of(place.path(), &[&initrd("1"), &followed], "quiet").await;
    image.unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");

    // Linux reads microcode without unpacking it.
    let microcode = cpio_of(&[("kernel/x86/microcode/GenuineIntel.bin", 0o100_644, b"...")]);
    let (_, warnings) = build_of(place.path(), &[&microcode, &initrd("1")], "quiet").await;
    assert!(warnings.is_empty(), "{warnings:?}");
}
