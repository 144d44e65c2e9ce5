//! The summary of an initrd, and the check that an initrd contains `init`.

use std::collections::BTreeSet;
use std::path::Path;

use crate::command_line::InitPath;
use crate::error::Error;
use crate::name::ProfileName;

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
    paths: BTreeSet<String>,
    symbolic_links: BTreeSet<String>,
    /// The memory that `paths` and `symbolic_links` may still use, in bytes.
    budget: usize,
    is_complete: bool,
}

/// Tells whether a file is in an initrd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are three answers: yes, no, and unknown")]
pub enum Presence {
    /// The file is in the initrd.
    Yes,
    /// The file is not in the initrd.
    No,
    /// The file may be behind a symbolic link or in a file system image, or the initrd has more
    /// paths than are kept.
    Unknown,
}

impl InitrdSummary {
    pub(super) fn new() -> Self {
        Self {
            members: 0,
            unpacked_bytes: 0,
            paths: BTreeSet::new(),
            symbolic_links: BTreeSet::new(),
            budget: PATHS_LIMIT,
            is_complete: true,
        }
    }

    /// Adds a member with its path in the archive and its size in bytes.
    pub(super) fn add(&mut self, path: &str, size: u64, is_symbolic_link: bool) {
        self.members += 1;
        self.unpacked_bytes += size;
        let path = path.strip_prefix("./").unwrap_or(path).trim_matches('/');
        let cost = (path.len() + PATH_OVERHEAD) * if is_symbolic_link { 2 } else { 1 };
        let Some(left) = self.budget.checked_sub(cost) else {
            self.is_complete = false;
            return;
        };
        self.budget = left;
        if is_symbolic_link {
            self.symbolic_links.insert(path.to_owned());
        }
        self.paths.insert(path.to_owned());
    }

    /// Looks for `init` in the initrd. It does not read a store in a file system image, such as
    /// `nix-store.squashfs` in NixOS's netboot initrd, and does not follow symbolic links.
    pub fn holds(&self, init: &InitPath) -> Presence {
        let path = init.as_str().trim_start_matches('/');
        let mut parents = path.match_indices('/').map(|(end, _)| &path[..end]);
        if self.paths.contains(path) {
            Presence::Yes
        } else if !self.is_complete
            || self.paths.iter().any(|path| is_file_system_image(path))
            || parents.any(|parent| self.symbolic_links.contains(parent))
        {
            Presence::Unknown
        } else {
            Presence::No
        }
    }
}

pub(crate) fn is_file_system_image(path: &str) -> bool {
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("squashfs" | "sqfs" | "erofs" | "ext4" | "img"))
}

/// Checks that one of an image's initrds contains its `init`, or may contain it.
///
/// # Errors
/// [`Error::InitMissing`] if no initrd contains it.
pub fn require_init<'a>(
    profile: &ProfileName,
    init: &InitPath,
    initrds: impl IntoIterator<Item = &'a InitrdSummary>,
) -> Result<(), Error> {
    if initrds.into_iter().any(|initrd| initrd.holds(init) != Presence::No) {
        Ok(())
    } else {
        Err(Error::InitMissing { profile: profile.clone(), init: init.clone() })
    }
}
