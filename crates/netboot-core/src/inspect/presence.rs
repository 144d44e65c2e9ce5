//! The check that the initrds of an image contain its `init`.

use crate::command_line::InitPath;
use crate::error::Error;
use crate::inspect::file_tree::FileTree;
use crate::inspect::summary::{InitrdSummary, Member, normal};
use crate::name::ProfileName;

/// The beginning of the paths that Linux reads before it unpacks an initrd
/// (`Documentation/arch/x86/microcode.rst` and `initrd_table_override.rst` in its `admin-guide`).
const READ_EARLY: &str = "kernel/";

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
    /// Looks for `init` in the initrd. It does not read a store in a file system image, such as
    /// `nix-store.squashfs` in NixOS's netboot initrd, and does not follow symbolic links.
    ///
    /// The answer is about this initrd alone. [`require_init`] looks into several.
    pub fn holds(&self, init: &InitPath) -> Presence {
        look(init, &[self]).0
    }
}

/// Returns for each of an image's initrds the paths that Linux leaves out silently, because the
/// directory is not before the file, in its initrd or in an earlier one. Linux reads microcode and
/// ACPI tables without unpacking them. After an initrd with more paths than are kept, nothing is
/// known.
pub fn without_directory(initrds: &[InitrdSummary]) -> Vec<Vec<&str>> {
    let mut tree = FileTree::default();
    let complete = initrds.iter().take_while(|initrd| initrd.is_complete);
    let mut lost: Vec<Vec<&str>> = complete.map(|initrd| tree.unpack(initrd.entries())).collect();
    for lost in &mut lost {
        lost.retain(|path| !path.starts_with(READ_EARLY));
    }
    lost.resize(initrds.len(), Vec::new());
    lost
}

/// Looks for a file in initrds, which Linux unpacks into the same directory in this order. A later
/// initrd has the last word about the kind of the file.
pub(super) fn look(path: &InitPath, initrds: &[&InitrdSummary]) -> (Presence, Option<Member>) {
    let path = normal(path.as_str());
    let tree = FileTree::along(&path, initrds);
    let may_hold_more =
        |initrd: &&InitrdSummary| !initrd.is_complete || initrd.has_file_system_image;
    let member = tree.member(&path);
    let presence = if member.is_some() {
        Presence::Yes
    } else if tree.is_behind_link(&path) || initrds.iter().any(may_hold_more) {
        Presence::Unknown
    } else {
        Presence::No
    };
    (presence, member)
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
    if look(init, &initrds).0 == Presence::No {
        Err(Error::InitMissing { profile: profile.clone(), init: init.clone() })
    } else {
        Ok(())
    }
}
