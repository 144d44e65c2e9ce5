//! Archives that Linux unpacks from an initrd.

use std::fmt::Write as _;

/// Returns a cpio archive in the format `newc` with executable files and their directories. Paths
/// are relative. See Linux's `Documentation/driver-api/early-userspace/buffer-format.rst`.
pub fn newc_archive<Path: AsRef<str>, Content: AsRef<[u8]>>(files: &[(Path, Content)]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (inode, (path, content)) in (1..).zip(files) {
        let path = path.as_ref();
        let parents = path.match_indices('/').map(|(end, _)| &path[..end]);
        for directory in parents {
            add(&mut archive, directory, inode * 100, 0o040_755, &[]);
        }
        add(&mut archive, path, inode, 0o100_755, content.as_ref());
    }
    add(&mut archive, "TRAILER!!!", 0, 0, &[]);
    archive
}

fn add(archive: &mut Vec<u8>, name: &str, inode: u32, mode: u32, content: &[u8]) {
    let size = u32::try_from(content.len()).unwrap();
    let name_size = u32::try_from(name.len() + 1).unwrap();
    let mut header = String::from("070701");
    for field in [inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0] {
        write!(header, "{field:08X}").unwrap();
    }
    archive.extend(header.as_bytes());
    archive.extend(name.as_bytes());
    archive.push(0);
    pad(archive);
    archive.extend(content);
    pad(archive);
}

fn pad(archive: &mut Vec<u8>) {
    archive.resize(archive.len().next_multiple_of(4), 0);
}
