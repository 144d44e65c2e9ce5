//! The format `Image` of ARM and RISC-V (`Documentation/arch/arm64/booting.rst` and
//! `Documentation/arch/riscv/boot-image-header.rst` of the kernel).

use super::efi_program::{self, Machine};
use super::file_start::{FileStart, Unfit};

/// The position of the magic number.
const MAGIC: usize = 56;

/// The length of the header.
const HEADER: u64 = 64;

/// A processor's variant of the format.
#[derive(Clone, Copy)]
pub(super) struct Variant {
    magic: &'static [u8],
    machine: Machine,
}

pub(super) const ARM64: Variant = Variant { magic: b"ARM\x64", machine: Machine::ARM64 };
pub(super) const RISCV64: Variant = Variant { magic: b"RSC\x05", machine: Machine::RISCV64 };

/// Checks an `Image`, or the compressed EFI program that may contain one.
pub(super) fn check(start: &FileStart, variant: Variant) -> Result<(), Unfit> {
    let is_image = start.has(MAGIC, variant.magic);
    if start.has(0, b"MZ") && (is_image || start.has(4, b"zimg")) {
        return match efi_program::check(start, variant.machine) {
            // The header of the EFI program is missing or cut.
            Err(Unfit::Unrecognised) if is_image => {
                Err(Unfit::problem("its header as an EFI program is missing"))
            }
            result => result,
        };
    }
    if !is_image {
        return Err(Unfit::Unrecognised);
    }
    // `image_size` in the header counts the memory that the kernel takes, with the part that it
    // clears itself. The file is shorter, and no field tells by how much.
    start.require(HEADER)
}
