//! The test bed's kernel, whole and cut.

use netboot_core::inspect::check_kernel;
use netboot_core::{Architecture, Error};
use netboot_testbed::Testbed;
use tempfile::TempDir;

use super::archives::{USUAL, newc};
use super::{Row, check};

/// The number of rows that an ordinary run boots.
const SAMPLE: usize = 3;

/// The reasons for which the inspection refuses kernels that a BIOS machine boots.
const SIGNED: &str = "firmware with Secure Boot needs the signature";
const FIRMWARE: &str = "UEFI loads an EFI program only if each section is whole";
const CHECKSUM: &str =
    "the last 16 bytes are a checksum and zeros, and in other kernels they may be code";

/// The position of the header's number of sectors, and of the number of 16-byte units behind them.
const SECTORS: usize = 0x1f1;
const UNITS: usize = 0x1f4;
/// The position of the EFI program's headers.
const PROGRAM: usize = 0x3c;
/// The position of the certificates' position and length in an EFI program's headers.
const CERTIFICATES: usize = 24 + 112 + 4 * 8;

fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// Returns the kernel without its signature.
fn unsigned(signed: &[u8]) -> Vec<u8> {
    let length = (usize::from(signed[SECTORS]) + 1) * 512 + number(signed, UNITS) * 16;
    let mut kernel = signed[..length].to_vec();
    let certificates = number(&kernel, PROGRAM) + CERTIFICATES;
    kernel[certificates..certificates + 8].fill(0);
    kernel
}

/// Returns the kernel as one that no EFI firmware starts.
fn bios_only(unsigned: &[u8]) -> Vec<u8> {
    let mut kernel = unsigned.to_vec();
    kernel[..2].fill(0);
    kernel[PROGRAM..PROGRAM + 4].fill(0);
    kernel
}

async fn refusal(kernel: &[u8]) -> Option<String> {
    let place = TempDir::new().unwrap();
    let path = place.path().join("kernel");
    std::fs::write(&path, kernel).unwrap();
    match check_kernel(&path, Architecture::X86_64).await {
        Ok(()) => None,
        // The lengths change with the kernel's version.
        Err(Error::NotAKernel { found, .. }) if found.starts_with("it ends after") => {
            Some("it is cut".to_owned())
        }
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn inspection_says_which_kernels_linux_starts_from() {
    let signed = std::fs::read(Testbed::locate().kernel()).unwrap();
    let unsigned = unsigned(&signed);
    let bios = bios_only(&unsigned);
    let (end, whole) = (signed.len(), unsigned.len());
    assert!(end > whole, "Debian signs its kernels");
    let initrd = newc(&USUAL);
    let mut rows = Vec::new();
    for (name, kernel, difference) in [
        ("signed", signed.as_slice(), None),
        ("signed, 1 byte less", &signed[..end - 1], Some(SIGNED)),
        ("signed, without the signature's bytes", &signed[..whole], Some(SIGNED)),
        ("EFI program", &unsigned, None),
        ("EFI program, 1 byte less", &unsigned[..whole - 1], Some(FIRMWARE)),
        ("EFI program, 15 bytes less", &unsigned[..whole - 15], Some(FIRMWARE)),
        ("EFI program, half of it", &unsigned[..whole / 2], None),
        ("BIOS only", &bios, None),
        ("BIOS only, 1 byte less", &bios[..whole - 1], None),
        ("BIOS only, 15 bytes less", &bios[..whole - 15], None),
        ("BIOS only, 16 bytes less", &bios[..whole - 16], Some(CHECKSUM)),
        ("BIOS only, 1 MiB less", &bios[..whole - (1 << 20)], None),
    ] {
        rows.push(Row {
            name: name.to_owned(),
            refusal: refusal(kernel).await,
            kernel: Some(kernel.to_vec()),
            initrd: initrd.clone(),
            expected: USUAL.to_vec(),
            difference,
        });
    }
    check("kernels.md", "Kernels in a machine with a BIOS, and in the inspection", &rows, SAMPLE);
}
