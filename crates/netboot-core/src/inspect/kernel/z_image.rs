//! 32-bit ARM kernels (`arch/arm/boot/compressed/head.S` of the kernel, and
//! `Documentation/arch/arm/booting.rst`).

use super::efi_program;
use super::file_start::{FileStart, Unfit};

const MAGIC: u32 = 0x016f_2818;

pub(super) fn check(start: &FileStart) -> Result<(), Unfit> {
    if start.u32_at(0x24) != Some(MAGIC) {
        return Err(Unfit::Unrecognised);
    }
    let (Some(first), Some(end)) = (start.u32_at(0x28), start.u32_at(0x2c)) else {
        return start.require(0x30);
    };
    let Some(length) = end.checked_sub(first).filter(|length| *length > 0x30) else {
        return Err(Unfit::problem("its header states an end that is not behind its start"));
    };
    start.require(u64::from(length))?;
    match efi_program::read(start) {
        Some(Ok(program)) => start.require(program.length),
        Some(Err(_)) | None => Ok(()),
    }
}
