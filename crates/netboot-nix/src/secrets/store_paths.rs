//! The store paths that are scanned for secrets.

use std::collections::{BTreeMap, BTreeSet};

use crate::path_info::PathInfo;

/// The store paths of a profile that are scanned.
pub(crate) struct StorePaths {
    /// The closure of the parts without the initrd, whose files are scanned by themselves, and of
    /// `netboot.storeContents`.
    pub(crate) closure: BTreeMap<String, PathInfo>,
    /// The derivations and sources that the parts are built from. They are not in the image, but a
    /// secret in the script of a builder often goes on into an output, and everybody on the build
    /// machine can read it.
    pub(crate) requisites: BTreeSet<String>,
}

/// A store path that can be scanned.
#[derive(Debug, Clone)]
pub(crate) struct Scannable {
    pub(crate) path: String,
    /// The hash of its archive. Not needed for a path that is made of a hash of its content.
    pub(crate) nar_hash: Option<String>,
    /// The size in bytes, for progress and for the order.
    pub(crate) size: u64,
}
