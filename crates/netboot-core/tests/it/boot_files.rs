//! Minimal kernels and initrds, made byte by byte.

pub(crate) use netboot_testbed::{cpio, cpio_header_of, cpio_of};

pub(crate) mod initrd;
pub(crate) mod kernel;

/// A 64-bit bzImage of one setup sector and `units` units of 16 bytes, with version 2.15 of the boot
/// protocol (`Documentation/arch/x86/boot.rst` of the kernel).
pub(crate) fn bz_image(units: u32) -> Vec<u8> {
    let mut kernel = vec![0; 2 * 512];
    kernel[0x1f1] = 1;
    kernel[0x1f4..0x1f8].copy_from_slice(&units.to_le_bytes());
    kernel[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    kernel[0x202..0x206].copy_from_slice(b"HdrS");
    kernel[0x206..0x208].copy_from_slice(&0x020f_u16.to_le_bytes());
    // `XLF_KERNEL_64` in `xloadflags`.
    kernel[0x236] = 1;
    kernel.extend((0..units * 16).map(|position| position.to_le_bytes()[0]));
    kernel
}

/// A bzImage that tells this version of Linux.
pub(crate) fn linux(version: &str) -> Vec<u8> {
    let mut kernel = bz_image(10);
    // `kernel_version` counts from the end of the first sector.
    kernel[0x20e..0x210].copy_from_slice(&0x100_u16.to_le_bytes());
    kernel[0x300..0x300 + version.len()].copy_from_slice(version.as_bytes());
    kernel
}
