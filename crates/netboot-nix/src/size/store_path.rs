//! A store path and its size.

use netboot_core::Content;
use serde::Serialize;

use crate::size::package::Package;

/// A store path of a system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StorePathSize {
    /// The path.
    pub path: String,
    /// The package, if it is one and has a version.
    pub package: Option<Package>,
    /// Its own size in bytes.
    pub own_size: u64,
    /// The compressed store path, if the machine fetches it by itself.
    pub blob: Option<Content>,
    /// The size of its closure in bytes.
    pub closure_size: u64,
    /// The reason why it is there: the shortest chain of references from the system to it,
    /// including both.
    pub chain: Vec<String>,
}

impl StorePathSize {
    /// The name, which follows the hash in the path.
    pub fn name(&self) -> &str {
        name(&self.path)
    }
}

/// The name in a store path, which follows the hash.
pub(crate) fn name(path: &str) -> &str {
    let base = path.rsplit('/').next().unwrap_or(path);
    base.split_once('-').map_or(base, |(_, name)| name)
}
