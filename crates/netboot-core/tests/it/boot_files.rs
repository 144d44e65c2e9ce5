//! Minimal kernels and initrds, made byte by byte.

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

/// Returns a cpio archive in the format "newc" with regular files of these paths and bytes, their
/// directories before them, and the trailer (`buffer-format.rst` of the kernel).
pub(crate) fn cpio(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut members: Vec<(&str, usize, &[u8])> = Vec::new();
    for (path, bytes) in files {
        let ends = path.match_indices('/').map(|(end, _)| &path[..end]);
        for directory in ends.filter(|directory| !matches!(*directory, "" | ".")) {
            if !members.iter().any(|(path, ..)| *path == directory) {
                members.push((directory, 0o040_755, b""));
            }
        }
        members.push((path, 0o100_755, bytes));
    }
    cpio_of(&members)
}

/// Returns such an archive of members with these paths, modes and bytes.
pub(crate) fn cpio_of(members: &[(&str, usize, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (path, mode, bytes) in members.iter().chain(&[("TRAILER!!!", 0, b"".as_slice())]) {
        add_header(&mut archive, path, *mode, bytes.len());
        archive.extend(*bytes);
        pad(&mut archive);
    }
    archive
}

/// Returns the header of a regular file. `length` bytes must follow.
pub(crate) fn cpio_header_of(path: &str, length: usize) -> Vec<u8> {
    let mut archive = Vec::new();
    add_header(&mut archive, path, 0o100_644, length);
    archive
}

fn add_header(archive: &mut Vec<u8>, path: &str, mode: usize, length: usize) {
    let inode = archive.len();
    archive.extend(b"070701");
    for number in [inode, mode, 0, 0, 1, 0, length, 0, 0, 0, 0, path.len() + 1, 0] {
        archive.extend(format!("{number:08x}").bytes());
    }
    archive.extend(path.bytes().chain([0]));
    pad(archive);
}

fn pad(archive: &mut Vec<u8>) {
    archive.resize(archive.len().next_multiple_of(4), 0);
}
