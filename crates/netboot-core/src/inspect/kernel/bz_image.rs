//! x86 kernels, and programs that look like one to a boot loader
//! (`Documentation/arch/x86/boot.rst` of the kernel).

use super::efi_program;
use super::file_start::{FileStart, Unfit};
use crate::inspect::linux_version::LinuxVersion;

/// The bytes by which a file may be shorter than its `syssize` says, which counts units of this
/// size, rounded up. Memtest86+ and iPXE's `ipxe.lkrn` do not fill the last unit.
const UNIT: u64 = 16;

/// The first version of the boot protocol whose `syssize` has four bytes, and is the length.
const LEAST_VERSION: u16 = 0x0204;

/// The first version with `xloadflags`, and the flag of a kernel with a 64-bit entry point.
const VERSION_WITH_FLAGS: u16 = 0x020c;
const HAS_64_BIT_ENTRY: u16 = 1;

/// The position of the version's position, which counts from the end of the first sector.
const VERSION: usize = 0x20e;
const FIRST_SECTOR: usize = 0x200;

/// Returns the version of Linux that the header names (`kernel_version`).
pub(super) fn version(start: &FileStart) -> Option<LinuxVersion> {
    if !start.has(0x202, b"HdrS") {
        return None;
    }
    let position = usize::from(start.u16_at(VERSION)?);
    let text = start.bytes().get(FIRST_SECTOR + position..).filter(|_| position != 0)?;
    let end = text.iter().position(|byte| *byte == 0)?;
    LinuxVersion::of(&String::from_utf8_lossy(&text[..end]))
}

pub(super) fn check(start: &FileStart) -> Result<(), Unfit> {
    if !start.has(0x202, b"HdrS") || !start.has(0x1fe, &[0x55, 0xaa]) {
        return Err(Unfit::Unrecognised);
    }
    let header_end = 0x238;
    let (Some(sectors), Some(units), Some(version)) =
        (start.byte_at(0x1f1), start.u32_at(0x1f4), start.u16_at(0x206))
    else {
        return start.require(header_end);
    };
    if version < LEAST_VERSION {
        return Err(Unfit::problem(format!(
            "it has version {}.{} of the boot protocol, and Linux has at least 2.4",
            version >> 8,
            version & 0xff
        )));
    }
    // Zero means four, as in kernels before the boot protocol had versions.
    let sectors = if sectors == 0 { 4 } else { u64::from(sectors) };
    let needed = (sectors + 1) * 512 + u64::from(units) * UNIT;
    if start.length() + UNIT <= needed {
        start.require(needed)?;
    }
    if version >= VERSION_WITH_FLAGS {
        match start.u16_at(0x236) {
            None => start.require(header_end)?,
            Some(flags) if flags & HAS_64_BIT_ENTRY == 0 => {
                return Err(Unfit::problem("it is a kernel for 32-bit x86"));
            }
            Some(_) => {}
        }
    }
    // A kernel with a header that firmware does not read still boots by BIOS.
    match efi_program::read(start) {
        Some(Ok(program)) => start.require(program.length),
        Some(Err(_)) | None => Ok(()),
    }
}
