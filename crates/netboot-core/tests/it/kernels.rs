//! Kernels are recognized by their headers, and by their length if the header states it.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use netboot_core::inspect::check_kernel;
use netboot_core::{Architecture, ArtifactKind, Error};
use netboot_testbed::{DebianTree, Testbed};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::boot_files::bz_image;
use crate::boot_files::kernel::{compressed, efi_program, elf, image, signed, z_image};

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

/// Returns a whole kernel of each format, for each architecture that has it.
fn kernels() -> Vec<(Architecture, Vec<u8>)> {
    vec![
        (Architecture::X86_64, bz_image(10)),
        (Architecture::Aarch64, image(0xaa64, b"ARM\x64")),
        (Architecture::Aarch64, signed(image(0xaa64, b"ARM\x64"))),
        (Architecture::Aarch64, compressed(0xaa64)),
        (Architecture::Aarch64, gzip(&image(0xaa64, b"ARM\x64"))),
        (Architecture::Riscv64, image(0x5064, b"RSC\x05")),
        (Architecture::Riscv64, compressed(0x5064)),
        (Architecture::Armv7l, z_image()),
        (Architecture::Powerpc64le, elf(21)),
        (Architecture::Loongarch64, efi_program(0x6264)),
        (Architecture::Loongarch64, compressed(0x6264)),
    ]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
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
    // The hint says to build or copy the file again.
    fs::write(&empty, bz_image(10)).unwrap();
    check_kernel(&empty, Architecture::X86_64).await.unwrap();
    let error = check_kernel(&missing, Architecture::X86_64).await.unwrap_err();
    assert!(matches!(&error, Error::Io { path, .. } if *path == missing), "{error:?}");
    let error = check_kernel(place.path(), Architecture::X86_64).await.unwrap_err();
    assert!(matches!(&error, Error::NotAFile { path } if path == place.path()), "{error:?}");
}

/// The hint asks for the file that NixOS calls `bzImage`.
#[tokio::test]
async fn the_kernel_of_the_configuration_is_taken_in_place_of_an_error_page() {
    found(b"<!DOCTYPE html><html>404", Architecture::X86_64).await;
    check_kernel(Testbed::locate().kernel(), Architecture::X86_64).await.unwrap();
}

#[tokio::test]
async fn a_kernel_that_was_cut_short_says_how_much_is_missing() {
    let whole = bz_image(100);
    let architecture = Architecture::X86_64;
    // The setup takes the first two sectors, and 1600 bytes follow.
    assert_eq!(whole.len(), 2624);
    for length in [0x210, 1024, 1500, 2608] {
        let found = found(&whole[..length], architecture).await;
        assert_eq!(found, format!("it ends after {length} of 2624 bytes"));
    }
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

/// The unit of `syssize` has 16 bytes, and a linker need not fill the last one.
#[tokio::test]
async fn the_last_unit_of_a_bz_image_need_not_be_full() {
    let whole = bz_image(100);
    for missing in 0..16 {
        check(&whole[..whole.len() - missing], Architecture::X86_64).await.unwrap();
    }
    found(&whole[..whole.len() - 16], Architecture::X86_64).await;
}

/// Asserts that a kernel is taken whole and longer, and that no cut to one of `lengths` is.
async fn refuses_cuts(
    architecture: Architecture,
    whole: &[u8],
    lengths: impl Iterator<Item = u64>,
) {
    check(whole, architecture).await.unwrap();
    check(&[whole, b"more"].concat(), architecture).await.unwrap();
    let place = TempDir::new().unwrap();
    let path = place.path().join("kernel");
    fs::write(&path, whole).unwrap();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    for length in lengths {
        file.set_len(length).unwrap();
        let result = check_kernel(&path, architecture).await;
        assert!(
            matches!(result, Err(Error::NotAKernel { .. })),
            "a kernel for {architecture} of {length} bytes: {result:?}"
        );
    }
}

/// Returns the greatest length of a cut that is found.
fn last_cut(architecture: Architecture, whole: &[u8]) -> u64 {
    let unit = if architecture == Architecture::X86_64 { 16 } else { 1 };
    whole.len() as u64 - unit
}

#[tokio::test]
async fn every_cut_of_every_format_is_refused() {
    for (architecture, whole) in kernels() {
        let last = last_cut(architecture, &whole);
        refuses_cuts(architecture, &whole, (1..=last).rev()).await;
    }
}

#[tokio::test]
async fn a_program_that_is_not_linux_for_this_machine_says_so() {
    // syslinux' memdisk has version 2.3, and a stale `syssize`.
    let mut memdisk = bz_image(10);
    memdisk[0x206..0x208].copy_from_slice(&0x0203_u16.to_le_bytes());
    let problem = found(&memdisk, Architecture::X86_64).await;
    assert_eq!(problem, "it has version 2.3 of the boot protocol, and Linux has at least 2.4");

    let mut of_32_bits = bz_image(10);
    of_32_bits[0x236] = 0;
    let problem = found(&of_32_bits, Architecture::X86_64).await;
    assert_eq!(problem, "it is a kernel for 32-bit x86");
    // Older versions have no such flag: iPXE's `ipxe.lkrn` has 2.7.
    of_32_bits[0x206..0x208].copy_from_slice(&0x0207_u16.to_le_bytes());
    check(&of_32_bits, Architecture::X86_64).await.unwrap();

    let other = found(&gzip(b"no kernel"), Architecture::Aarch64).await;
    assert_eq!(other, "it is a gzip file of something else");
    // iPXE for RISC-V does not unpack gzip.
    let packed = gzip(&image(0x5064, b"RSC\x05"));
    assert_eq!(found(&packed, Architecture::Riscv64).await, "it is a gzip file");
}

/// Debian's kernel has a signature behind its end, `ipxe.lkrn` does not fill its last unit, and an
/// EFI program for this machine is what its kernels are.
#[tokio::test]
async fn real_kernels_are_taken_whole_and_refused_when_cut() {
    let file = |path: PathBuf| fs::read(path).unwrap();
    let ipxe = |tree: DebianTree, name: &str| file(tree.path("usr/lib/ipxe").join(name));
    let kernels = [
        (Architecture::X86_64, file(Testbed::locate().kernel().to_owned())),
        (Architecture::X86_64, ipxe(DebianTree::TRIXIE_IPXE, "ipxe.lkrn")),
        (Architecture::X86_64, ipxe(DebianTree::SID_IPXE, "ipxe.lkrn")),
        (Architecture::Loongarch64, ipxe(DebianTree::SID_IPXE, "ipxe-loong64.efi")),
    ];
    for (architecture, whole) in kernels {
        let last = last_cut(architecture, &whole);
        // Each of the last bytes, and then a thousand places down to the first byte.
        let near = (last - 2048..=last).rev();
        let far = (1..1000).rev().map(|part| (last - 2048) * part / 1000);
        refuses_cuts(architecture, &whole, near.chain(far)).await;
    }
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
