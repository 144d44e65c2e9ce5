//! Nix archives (NAR): one store path, as one stream of bytes.
//!
//! The format is described in the Nix manual, "Nix Archive (NAR) Format". Its parts are strings: a
//! length of eight bytes in little-endian order, the bytes, and zeros up to a multiple of eight.
//! An archive has the names, the contents, one executable bit for each file, and the targets of
//! symbolic links. It has no owners and no times. Equal trees therefore give equal archives.

mod dump;
mod problem;
mod reader;
mod unpack;
mod wire;

pub use self::dump::dump;
pub use self::problem::NarProblem;
pub use self::reader::{NarEvent, NarLimits, NarReader};
pub use self::unpack::unpack;

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
    fn count_file(&mut self, size: u64) {
        self.inodes += 1;
        self.unpacked_bytes =
            self.unpacked_bytes.saturating_add(size.div_ceil(PAGE).saturating_mul(PAGE));
    }
}

/// The first string of every archive.
const MAGIC: &[u8] = b"nix-archive-1";
