//! The summary of an initrd, and the check that an initrd contains `init`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::command_line::InitPath;
use crate::error::Error;
use crate::name::ProfileName;

/// The approximate limit of the memory for the paths of one initrd, in bytes. The paths of a store
/// with a million files fit in.
const PATHS_LIMIT: usize = 256 * 1024 * 1024;

/// The memory that a path costs besides its own bytes.
const PATH_OVERHEAD: usize = 64;

/// The directories that the kernel itself makes (`usr/default_cpio_list` of Linux).
const OF_KERNEL: [&str; 2] = ["dev", "root"];

/// The begin of the paths that Linux reads before it unpacks an initrd
/// (`Documentation/arch/x86/microcode.rst` and `initrd_table_override.rst` in its `admin-guide`).
const READ_EARLY: &str = "kernel/";

/// A summary of the files in an initrd.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InitrdSummary {
    /// The number of files, directories and links in the initrd.
    pub members: u64,
    /// The size of the unpacked files, in bytes.
    pub unpacked_bytes: u64,
    paths: BTreeMap<String, Entry>,
    /// The memory that `paths` may still use, in bytes.
    budget: usize,
    is_complete: bool,
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
struct Entry {
    member: Member,
    /// True if the directory of the path is before it in the same initrd.
    follows_directory: bool,
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
            paths: BTreeMap::new(),
            budget: PATHS_LIMIT,
            is_complete: true,
        }
    }

    /// Adds a member with its path in the archive and its size in bytes.
    pub(super) fn add(&mut self, path: &str, size: u64, member: Member) {
        self.members += 1;
        self.unpacked_bytes += size;
        let path = path.strip_prefix("./").unwrap_or(path).trim_matches('/');
        let Some(left) = self.budget.checked_sub(path.len() + PATH_OVERHEAD) else {
            self.is_complete = false;
            return;
        };
        self.budget = left;
        let directory = path.rsplit_once('/').map(|(directory, _)| directory);
        let follows_directory = directory.is_some_and(|directory| self.has_directory(directory));
        self.paths.insert(path.to_owned(), Entry { member, follows_directory });
    }

    fn has_directory(&self, path: &str) -> bool {
        self.paths.get(path).is_some_and(|entry| entry.member == Member::Directory)
    }

    fn is_behind_link(&self, path: &str) -> bool {
        let is_link = |path: &str| {
            self.paths.get(path).is_some_and(|entry| entry.member == Member::SymbolicLink)
        };
        path.match_indices('/').any(|(end, _)| is_link(&path[..end]))
    }

    /// Looks for `init` in the initrd. It does not read a store in a file system image, such as
    /// `nix-store.squashfs` in NixOS's netboot initrd, and does not follow symbolic links.
    ///
    /// The answer is about this initrd alone. [`require_init`] looks into several.
    pub fn holds(&self, init: &InitPath) -> Presence {
        presence(init, &[self])
    }
}

/// Returns the paths in the last of an image's initrds that Linux leaves out silently, because no
/// initrd has the directory before the file. Linux reads microcode and ACPI tables without
/// unpacking them.
pub fn without_directory(initrds: &[InitrdSummary]) -> impl Iterator<Item = &str> {
    let all: Vec<_> = initrds.iter().collect();
    let last = initrds.last().filter(|_| initrds.iter().all(|initrd| initrd.is_complete));
    let paths = last.into_iter().flat_map(|last| last.paths.keys());
    let made = move |path: &&str| path.starts_with(READ_EARLY) || is_made(path, &all);
    paths.map(String::as_str).filter(move |path| !made(path))
}

/// Returns true if the last of these initrds has the path, and Linux makes it or may make it.
fn is_made(path: &str, initrds: &[&InitrdSummary]) -> bool {
    let Some((last, earlier)) = initrds.split_last() else { return false };
    let Some(entry) = last.paths.get(path) else { return false };
    let Some((directory, _)) = path.rsplit_once('/') else { return true };
    OF_KERNEL.contains(&directory)
        || initrds.iter().any(|initrd| initrd.is_behind_link(path))
        || (entry.follows_directory && is_made(directory, initrds))
        || (1..=earlier.len()).any(|count| {
            let earlier = &earlier[..count];
            earlier[count - 1].has_directory(directory) && is_made(directory, earlier)
        })
}

/// Returns the kind of the file at a path, of which a later initrd has the last word.
pub(super) fn last_member(path: &InitPath, initrds: &[&InitrdSummary]) -> Option<Member> {
    let path = path.as_str().trim_start_matches('/');
    let mut made = (1..=initrds.len()).filter(|count| is_made(path, &initrds[..*count]));
    made.next_back().and_then(|count| Some(initrds[count - 1].paths.get(path)?.member))
}

/// Looks for `init` in initrds, which Linux unpacks into the same directory in this order.
pub(super) fn presence(init: &InitPath, initrds: &[&InitrdSummary]) -> Presence {
    let path = init.as_str().trim_start_matches('/');
    let is_made = (1..=initrds.len()).any(|count| is_made(path, &initrds[..count]));
    let may_be_elsewhere = |initrd: &&InitrdSummary| {
        !initrd.is_complete
            || initrd.paths.keys().any(|path| is_file_system_image(path))
            || initrd.is_behind_link(path)
    };
    if is_made {
        Presence::Yes
    } else if initrds.iter().any(may_be_elsewhere) {
        Presence::Unknown
    } else {
        Presence::No
    }
}

pub(crate) fn is_file_system_image(path: &str) -> bool {
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("squashfs" | "sqfs" | "erofs" | "ext4" | "img"))
}

/// Checks that one of an image's initrds contains its `init`, or may contain it. The initrds are in
/// the order in which the machine loads them. Linux does not make missing directories, so a file
/// counts only if its directory is before it, in its initrd or in an earlier one.
///
/// # Errors
/// [`Error::InitMissing`] if no initrd contains it.
pub fn require_init<'a>(
    profile: &ProfileName,
    init: &InitPath,
    initrds: impl IntoIterator<Item = &'a InitrdSummary>,
) -> Result<(), Error> {
    let initrds: Vec<_> = initrds.into_iter().collect();
    if presence(init, &initrds) == Presence::No {
        Err(Error::InitMissing { profile: profile.clone(), init: init.clone() })
    } else {
        Ok(())
    }
}
