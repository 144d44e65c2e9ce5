//! Recognising the file in a place of the target's root that a publisher writes to.

use bytes::Bytes;
use netboot_core::layout::Location;
use netboot_core::{Content, ReleasePath, Sha256Digest};

use crate::finding::Finding;
use crate::pointer::{Pointer, PointerContent};
use crate::store::Entry;

/// The state of a place that a publisher writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlaceState {
    /// There is no file.
    Absent,
    /// The file is the right one.
    Right,
    /// Netboot wrote the file, and it needs to be replaced.
    Outdated,
    /// Netboot did not write the file.
    Foreign,
}

impl PlaceState {
    /// Returns the finding for a place in this state.
    pub(crate) fn finding(self, path: ReleasePath) -> Option<Finding> {
        match self {
            Self::Right => None,
            Self::Absent => Some(Finding::Missing { path }),
            Self::Outdated => Some(Finding::Outdated { path }),
            Self::Foreign => Some(Finding::Foreign { path }),
        }
    }
}

/// Recognises a file in the place of an entry point.
pub(crate) fn entry_point_state(bytes: &Bytes, expected: &Content) -> PlaceState {
    if Sha256Digest::of(bytes) == expected.sha256 {
        return PlaceState::Right;
    }
    match Pointer::parse(bytes) {
        PointerContent::Malformed { without_history: true, .. } => PlaceState::Outdated,
        // A file with a history is a pointer, which no entry point may replace.
        _ => PlaceState::Foreign,
    }
}

/// Recognises a file in the place of a link. Netboot's own links lead to blobs.
pub(crate) fn link_state(entry: Option<&Entry>, target: &str) -> PlaceState {
    match entry {
        None => PlaceState::Absent,
        Some(Entry::Link { target: found }) if found == target => PlaceState::Right,
        Some(Entry::Link { target: found }) if leads_to_blob(found) => PlaceState::Outdated,
        Some(_) => PlaceState::Foreign,
    }
}

fn leads_to_blob(target: &str) -> bool {
    let target = target.strip_prefix("../").unwrap_or(target);
    matches!(Location::parse(target), Some(Location::Blob(_)))
}
