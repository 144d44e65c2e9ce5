//! Archives that Linux unpacks from an initrd, made byte by byte.

/// Returns a cpio archive in the format "newc" with regular files of these paths and bytes, their
/// directories before them, and the trailer (`buffer-format.rst` of the kernel).
pub fn cpio(files: &[(&str, &[u8])]) -> Vec<u8> {
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
pub fn cpio_of(members: &[(&str, usize, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (path, mode, bytes) in members.iter().chain(&[("TRAILER!!!", 0, b"".as_slice())]) {
        add_header(&mut archive, path, *mode, bytes.len());
        archive.extend(*bytes);
        pad(&mut archive);
    }
    archive
}

/// Returns the header of a regular file. `length` bytes must follow.
pub fn cpio_header_of(path: &str, length: usize) -> Vec<u8> {
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
