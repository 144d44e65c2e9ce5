//! The parts that a question is about.

use std::collections::BTreeSet;

use netboot_core::{ReleaseId, ReleasePath, layout};

use super::part::{Part, release_of};
use super::tag;

/// The most releases of a question for which remembered parts are read again.
const MOST_DOUBTED: usize = 8;

/// The parts that a question is about.
#[derive(Debug)]
pub(super) enum Scope<'a> {
    /// All parts.
    All,
    /// The parts of these releases, the parts of no release, and of the others as many as are
    /// needed to find these objects.
    Some { releases: BTreeSet<ReleaseId>, sought: Vec<&'a ReleasePath> },
}

impl<'a> Scope<'a> {
    /// The parts that name objects.
    pub(super) fn of(paths: impl IntoIterator<Item = &'a ReleasePath>) -> Self {
        let (mut releases, mut sought) = (BTreeSet::new(), Vec::new());
        for path in paths {
            match release_of(path) {
                Some(release) => _ = releases.insert(release),
                None => sought.push(path),
            }
        }
        Self::Some { releases, sought }
    }

    /// Returns true for a part that is read again though its tag is listed. Docker's registry may
    /// list the tag of a part for ever that two other publishers deleted at the same moment. So
    /// nothing is concluded from remembered parts of the few releases that the question is about,
    /// or from one that says that a release is incomplete. A question about many releases, such as
    /// a history, believes the list: each step that changes a release asks about it alone.
    pub(super) fn doubts(&self, part: &Part) -> bool {
        let Some(release) = part.release() else { return false };
        let is_asked = match self {
            Self::Some { releases, .. } if releases.len() <= MOST_DOUBTED => {
                releases.contains(&release)
            }
            _ => false,
        };
        let incomplete = layout::in_release(&release, &layout::incomplete_manifest());
        is_asked || part.get(&incomplete).is_some()
    }

    pub(super) fn has(&self, tag: &str) -> bool {
        match self {
            Self::All => true,
            Self::Some { releases, .. } => {
                tag::release_of_part(tag).is_none_or(|release| releases.contains(&release))
            }
        }
    }
}
