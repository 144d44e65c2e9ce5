//! Images for 64-bit ARM, whose architecture the program finds out by itself.

use std::fs;

use netboot_testbed::{DebianTree, PATIENCE};
use serde_json::Value;

use crate::image;
use crate::place::Place;

/// A directory with an image for 64-bit ARM.
fn place() -> Place {
    let place = Place::directory();
    image::write_arm64(&place.path("worker"));
    place
}

/// The iPXE that boots virtual machines for ARM.
fn ipxe() -> String {
    DebianTree::SID_IPXE.path("usr/lib/ipxe/ipxe-arm64.efi").display().to_string()
}

#[test]
fn an_image_is_proven_published_and_booted_by_its_own_architecture() {
    let (place, seconds) = (place(), PATIENCE.as_secs().to_string());
    // A relative path begins at the directory of the file.
    fs::copy(ipxe(), place.path("arm64.efi")).unwrap();
    let table = format!("[proof]\nexpect = [\"{}\"]\nipxe-aarch64 = \"arm64.efi\"\n", image::READY);
    fs::write(place.path("netboot.toml"), table).unwrap();
    let publish = ["publish", "worker", "--to", "./pxe", "--prove", "--boot-timeout", &seconds];
    let object = place.succeeds(&[&publish[..], &["--json"]].concat()).json();
    assert_eq!(object["targets"][0]["proofs"][0]["came_up"], true, "{object}");

    let boot = ["boot", "./pxe", "--expect", image::READY, "--timeout", &seconds, "--json"];
    let object = place.succeeds(&boot).json();
    assert_eq!((&object["architecture"], &object["firmware"]), (&"aarch64".into(), &"uefi".into()));
    assert!(object["console"].as_str().unwrap().contains("console=ttyAMA0"), "{object}");
}

#[test]
fn an_option_says_another_architecture_and_another_ipxe() {
    let place = place();
    let publish = ["publish", "worker", "--to", "./pxe"];
    let said = place.fails(&[&publish[..], &["--architecture", "x86_64"]].concat());
    assert!(said.contains("is not a kernel for x86_64"), "{said}");
    let said = place.fails(&[&publish[..], &["--architecture", "riscv64"]].concat());
    assert!(said.contains("is not a kernel for riscv64"), "{said}");
    place.succeeds(&[&publish[..], &["--architecture", "aarch64"]].concat());

    let boot = ["boot", "./pxe", "--ipxe", &ipxe(), "--expect", "NEVER", "--timeout", "1"];
    let x86 = [&boot[..], &["--architecture", "x86_64", "--firmware", "uefi", "--json"]].concat();
    let object: Value = place.run(&x86).json();
    assert_eq!(object["architecture"], "x86_64", "{object}");
    let object: Value = place.run(&[&boot[..], &["--json"]].concat()).json();
    assert_eq!(object["architecture"], "aarch64", "{object}");
    for (option, problem) in [
        (["--firmware", "bios"], "the machine's firmware cannot be BIOS: use UEFI"),
        (["--architecture", "riscv64"], "use x86_64 or aarch64"),
    ] {
        let said = place.misuses(&[&boot[..], &option].concat());
        assert!(said.contains(problem), "{said}");
    }
}
