//! The sizes of the tree in an archive.

/// The sizes of the tree in an archive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "these three numbers describe the tree")]
pub struct NarSummary {
    /// The size of the archive in bytes.
    pub nar_size: u64,
    /// The size of the files in bytes, each rounded up to whole pages of 4,096 bytes. A file system
    /// in memory needs this much for them.
    pub unpacked_bytes: u64,
    /// The number of files, directories and symbolic links.
    pub inodes: u64,
}

/// The size of a page in bytes, on every architecture that NixOS has images for.
const PAGE: u64 = 4096;

impl NarSummary {
    pub(super) fn count_file(&mut self, size: u64) {
        self.inodes += 1;
        self.unpacked_bytes =
            self.unpacked_bytes.saturating_add(size.div_ceil(PAGE).saturating_mul(PAGE));
    }
}
