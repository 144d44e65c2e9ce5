//! The store paths that a packer gets.

use std::path::PathBuf;

use crate::sha256::Sha256;
use crate::store_path::StorePath;

/// A store path that should be packed, as `nix path-info --json` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "Nix's database knows these things about a path")]
pub struct PathToPack {
    /// The store path.
    pub path: StorePath,
    /// The place where its files lie on this machine. It is the store path itself, unless the store
    /// lies below another root.
    pub location: PathBuf,
    /// The digest of its archive, as Nix registered it.
    pub nar_hash: Sha256,
    /// The size of its archive in bytes.
    pub nar_size: u64,
    /// The derivation that built it, if it is known.
    pub deriver: Option<StorePath>,
    /// The store paths that it refers to, perhaps itself among them.
    pub references: Vec<StorePath>,
}
