//! Kernels are recognized by their headers, and by their length if the header states it.

use std::fs;

use netboot_core::inspect::check_kernel;
use netboot_core::{Architecture, ArtifactKind, Error};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::boot_files::{bz_image, with_magic};

/// Checks a file of these bytes.
async fn check(bytes: &[u8], architecture: Architecture) -> Result<(), Error> {
    let place = TempDir::new().unwrap();
    let path = place.path().join("kernel");
    fs::write(&path, bytes).unwrap();
    check_kernel(&path, architecture).await
}

/// Asserts that a file with these bytes is not a kernel, and returns its detected kind.
async fn found(bytes: &[u8], architecture: Architecture) -> String {
    let error = check(bytes, architecture).await.unwrap_err();
    let hint = error.hint().unwrap();
    assert!(hint.contains(architecture.kernel_file_name()), "{hint}");
    let Error::NotAKernel { architecture: named, found, .. } = error else { panic!("{error:?}") };
    assert_eq!(named, architecture);
    found
}

/// Returns a kernel header for each architecture.
fn kernels() -> Vec<(Architecture, Vec<u8>)> {
    vec![
        (Architecture::X86_64, bz_image(10)),
        (Architecture::Aarch64, with_magic(2048, 56, b"ARM\x64")),
        (Architecture::Aarch64, compressed(0xaa64)),
        (Architecture::Riscv64, with_magic(2048, 56, b"RSC\x05")),
        (Architecture::Riscv64, compressed(0x5064)),
        (Architecture::Armv7l, with_magic(2048, 0x24, &0x016f_2818_u32.to_le_bytes())),
        (Architecture::Powerpc64le, elf(21)),
        (Architecture::Loongarch64, efi_program(0x6264)),
        (Architecture::Loongarch64, compressed(0x6264)),
    ]
}

/// The start of a 64-bit little-endian ELF file for this machine (`e_machine`).
fn elf(machine: u16) -> Vec<u8> {
    let mut bytes = with_magic(2048, 0, b"\x7fELF\x02\x01\x01");
    bytes[18..20].copy_from_slice(&machine.to_le_bytes());
    bytes
}

/// The start of a PE file for this machine (`IMAGE_FILE_HEADER.Machine`).
fn efi_program(machine: u16) -> Vec<u8> {
    let mut bytes = with_magic(2048, 0, b"MZ");
    bytes[0x3c..0x40].copy_from_slice(&64_u32.to_le_bytes());
    bytes[64..68].copy_from_slice(b"PE\0\0");
    bytes[68..70].copy_from_slice(&machine.to_le_bytes());
    bytes
}

/// A compressed EFI image for this machine, with a payload of 1024 bytes from byte 512.
fn compressed(machine: u16) -> Vec<u8> {
    let mut bytes = efi_program(machine);
    bytes.truncate(512 + 1024);
    bytes[4..8].copy_from_slice(b"zimg");
    bytes[8..12].copy_from_slice(&512_u32.to_le_bytes());
    bytes[12..16].copy_from_slice(&1024_u32.to_le_bytes());
    bytes
}

#[tokio::test]
async fn each_architecture_s_kernels_are_known() {
    for (architecture, kernel) in kernels() {
        check(&kernel, architecture).await.unwrap();
    }
}

#[tokio::test]
async fn a_kernel_for_another_architecture_is_refused() {
    for (own, kernel) in kernels() {
        for other in Architecture::ALL.into_iter().filter(|other| *other != own) {
            found(&kernel, other).await;
        }
    }
    found(&elf(62), Architecture::Powerpc64le).await;
    found(&efi_program(0x8664), Architecture::Loongarch64).await;
}

#[tokio::test]
async fn what_is_no_kernel_is_named() {
    let x86 = Architecture::X86_64;
    for (bytes, name) in [
        (b"<!DOCTYPE html><html>404".as_slice(), "an HTML page"),
        (b"\n  <html><title>404</title>", "an HTML page"),
        (b"\x1f\x8b\x08\0", "a gzip file"),
        (b"\x28\xb5\x2f\xfd\0", "a zstd file"),
        (b"\xfd7zXZ\0", "an xz file"),
        (b"07070100000000", "a cpio archive"),
        (b"\x7fELF\x02", "an ELF file"),
        (b"MZ\0\0", "an EFI program"),
        (b"#!ipxe\nboot\n", "a script"),
        (b"version https://git-lfs", "its header is not a kernel's"),
        (b"\0", "its header is not a kernel's"),
    ] {
        let found = found(bytes, x86).await;
        assert!(found.contains(name), "{found}");
    }
}

#[tokio::test]
async fn a_file_without_bytes_is_named_as_such() {
    let place = TempDir::new().unwrap();
    let (empty, missing) = (place.path().join("empty"), place.path().join("missing"));
    fs::write(&empty, "").unwrap();
    let error = check_kernel(&empty, Architecture::X86_64).await.unwrap_err();
    let Error::EmptyArtifact { kind: ArtifactKind::Kernel, path } = error else {
        panic!("{error:?}")
    };
    assert_eq!(path, empty);
    let error = check_kernel(&missing, Architecture::X86_64).await.unwrap_err();
    assert!(matches!(&error, Error::Io { path, .. } if *path == missing), "{error:?}");
    let error = check_kernel(place.path(), Architecture::X86_64).await.unwrap_err();
    assert!(matches!(&error, Error::NotAFile { path } if path == place.path()), "{error:?}");
}

#[tokio::test]
async fn a_kernel_that_was_cut_short_says_how_much_is_missing() {
    let whole = bz_image(100);
    let architecture = Architecture::X86_64;
    // The setup takes the first two sectors, and 1600 bytes follow.
    assert_eq!(whole.len(), 2624);
    for length in [0x206, 1024, 1500, 2623] {
        let found = found(&whole[..length], architecture).await;
        assert_eq!(found, format!("it ends after {length} of 2624 bytes"));
    }
    check(&whole, architecture).await.unwrap();
    let signed = [whole.as_slice(), b"a signature may follow"].concat();
    check(&signed, architecture).await.unwrap();

    let whole = compressed(0xaa64);
    for length in [512, 1535] {
        let found = found(&whole[..length], Architecture::Aarch64).await;
        assert_eq!(found, format!("it ends after {length} of 1536 bytes"));
    }

    // Zero setup sectors mean four, as in kernels before the boot protocol had versions.
    let mut old = bz_image(100);
    old[0x1f1] = 0;
    let found = found(&old, architecture).await;
    assert_eq!(found, "it ends after 2624 of 4160 bytes");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// For all bytes: a kernel has the magic number, and nothing panics.
    #[test]
    fn noise_is_no_kernel(bytes in prop::collection::vec(any::<u8>(), 1..1500)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for architecture in Architecture::ALL {
            let error = runtime.block_on(check(&bytes, architecture)).unwrap_err();
            prop_assert!(matches!(error, Error::NotAKernel { .. }), "{error:?}");
        }
    }
}
