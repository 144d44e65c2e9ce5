//! The kind and the label of the file system on a block device.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// The places of a file system's mark and label, in bytes from the start of the device.
struct Superblock {
    kind: &'static str,
    mark: (u64, &'static [u8]),
    label: (u64, usize),
}

/// The superblocks that are known: `struct ext4_super_block` in Linux's `fs/ext4/ext4.h`,
/// `struct xfs_dsb` in `fs/xfs/libxfs/xfs_format.h`, and `struct btrfs_super_block` in
/// `include/uapi/linux/btrfs_tree.h`.
const SUPERBLOCKS: [Superblock; 3] = [
    Superblock { kind: "ext4", mark: (0x438, &[0x53, 0xef]), label: (0x478, 16) },
    Superblock { kind: "xfs", mark: (0, b"XFSB"), label: (108, 12) },
    Superblock { kind: "btrfs", mark: (0x1_0040, b"_BHRfS_M"), label: (0x1_012b, 256) },
];

/// The kind of file system on a block device that has this label, as `mount` names it. Returns
/// `None` if the device has another label, or a file system that is not known here.
///
/// The system has a library for this, but an initrd with busybox alone has neither that nor udev.
pub(crate) fn kind_with_label(device: &Path, label: &str) -> io::Result<Option<&'static str>> {
    // A device such as a tape or a terminal could block.
    let mut options = OpenOptions::new();
    let flags = OFlags::NONBLOCK | OFlags::CLOEXEC;
    options.read(true).custom_flags(flags.bits().cast_signed());
    let file = options.open(device)?;
    for Superblock { kind, mark: (mark_at, mark), label: (label_at, length) } in &SUPERBLOCKS {
        let (mut found, mut name) = (vec![0; mark.len()], vec![0; *length]);
        let read = file
            .read_exact_at(&mut found, *mark_at)
            .and_then(|()| file.read_exact_at(&mut name, *label_at));
        match read {
            // The device is smaller than this kind of file system.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
            read => read?,
        }
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(*length);
        if found == *mark && name[..end] == *label.as_bytes() {
            return Ok(Some(kind));
        }
    }
    Ok(None)
}
