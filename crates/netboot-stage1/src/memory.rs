//! The memory that a closure needs, and the memory that the machine has.

use std::fs;
use std::io;
use std::path::Path;

use netboot_closure::Index;

/// The bytes that stage 2 needs, besides the store: the services of a small NixOS system.
const STAGE_2: u64 = 200 << 20;

/// The bytes that the kernel keeps free, and that other programs in the initrd take.
const RESERVE: u64 = 64 << 20;

/// The bytes that each connection needs: the window of zstd, buffers, and the sockets of the
/// kernel.
const CONNECTION: u64 = 10 << 20;

/// The bytes that an inode takes in tmpfs, with its name.
const INODE: u64 = 1024;

/// The sizes of a closure that decide how much memory it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "these numbers decide")]
pub struct MemoryNeed {
    /// The size of the files in bytes, in whole pages.
    pub unpacked_bytes: u64,
    /// The number of files, directories and links.
    pub inodes: u64,
    /// The number of connections that fetch at the same time.
    pub connections: u64,
}

impl MemoryNeed {
    /// The need of a closure.
    pub fn of(index: &Index, connections: u64) -> Self {
        Self { unpacked_bytes: index.unpacked_bytes(), inodes: index.inodes(), connections }
    }

    /// The bytes that the store takes in tmpfs.
    pub fn tmpfs_bytes(&self) -> u64 {
        let files = self.unpacked_bytes.saturating_add(self.inodes.saturating_mul(INODE));
        files.saturating_add(files / 50)
    }

    /// The bytes that are needed beside the store, by this program, the kernel and stage 2.
    pub fn other_bytes(&self) -> u64 {
        (STAGE_2 + RESERVE).saturating_add(self.connections.saturating_mul(CONNECTION))
    }
}

/// Reads the available memory in bytes from a file such as `/proc/meminfo`. Linux estimates there
/// how much can be used before anything must be swapped (`si_mem_available` in `mm/show_mem.c`).
pub(crate) fn available(path: &Path) -> io::Result<u64> {
    let text = fs::read_to_string(path)?;
    let kibibytes = text.lines().find_map(|line| {
        let number = line.strip_prefix("MemAvailable:")?.trim_ascii().strip_suffix(" kB")?;
        number.parse::<u64>().ok()
    });
    kibibytes
        .map(|kibibytes| kibibytes.saturating_mul(1024))
        .ok_or_else(|| io::Error::other("it has no line `MemAvailable`"))
}
