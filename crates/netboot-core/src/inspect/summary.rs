//! The summary of the files in an initrd.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::inspect::xz_filter::XzFilter;

/// The approximate limit of the memory for the paths of one initrd, in bytes. The paths of a store
/// with a million files fit in.
const PATHS_LIMIT: usize = 256 * 1024 * 1024;

/// The memory that a path costs besides its own bytes.
const PATH_OVERHEAD: usize = 64;

/// A summary of the files in an initrd.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InitrdSummary {
    /// The number of files, directories and links in the initrd.
    pub members: u64,
    /// The size of the unpacked files, in bytes.
    pub unpacked_bytes: u64,
    /// The filters of its xz streams. Linux unpacks only those that it was built with.
    pub xz_filters: BTreeSet<XzFilter>,
    paths: BTreeMap<String, Entry>,
    /// The memory that `paths` may still use, in bytes.
    budget: usize,
    pub(super) is_complete: bool,
    pub(super) has_file_system_image: bool,
}

/// A kind of file in an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    Directory,
    SymbolicLink,
    /// A file that is executable and not empty.
    Program,
    Empty,
    /// Anything else.
    Data,
}

/// A path in the initrd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) member: Member,
    /// True if the directory of the path is before it in the same initrd.
    pub(super) follows_directory: bool,
}

impl InitrdSummary {
    pub(super) fn new() -> Self {
        Self {
            members: 0,
            unpacked_bytes: 0,
            xz_filters: BTreeSet::new(),
            paths: BTreeMap::new(),
            budget: PATHS_LIMIT,
            is_complete: true,
            has_file_system_image: false,
        }
    }

    /// Adds a member with its path in the archive and its size in bytes.
    pub(super) fn add(&mut self, path: &str, size: u64, member: Member) {
        self.members += 1;
        self.unpacked_bytes += size;
        let path = normal(path);
        self.has_file_system_image |= is_file_system_image(&path);
        let Some(left) = self.budget.checked_sub(path.len() + PATH_OVERHEAD) else {
            self.is_complete = false;
            return;
        };
        self.budget = left;
        let directory = path.rsplit_once('/').map(|(directory, _)| directory);
        let follows_directory = directory.is_some_and(|directory| self.has_directory(directory));
        self.paths.insert(path, Entry { member, follows_directory });
    }

    fn has_directory(&self, path: &str) -> bool {
        self.paths.get(path).is_some_and(|entry| entry.member == Member::Directory)
    }

    /// Returns the paths in their order.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, Entry)> + Clone {
        self.paths.iter().map(|(path, entry)| (path.as_str(), *entry))
    }

    pub(super) fn entry(&self, path: &str) -> Option<(&str, Entry)> {
        self.paths.get_key_value(path).map(|(path, entry)| (path.as_str(), *entry))
    }
}

/// Returns a path without what Linux passes over: slashes at its ends, double ones, and dots.
pub(super) fn normal(path: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.collect::<Vec<_>>().join("/")
}

pub(crate) fn is_file_system_image(path: &str) -> bool {
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("squashfs" | "sqfs" | "erofs" | "ext4" | "img"))
}
