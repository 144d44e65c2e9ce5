//! Recognising the file in a place of the target's root that a publisher writes to.

use bytes::Bytes;
use netboot_core::layout::{self, Location};
use netboot_core::{Content, ReleasePath, Sha256Digest};

use crate::error::Error;
use crate::finding::Finding;
use crate::pointer::{Pointer, PointerContent};
use crate::store::{Entry, Store};

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
///
/// # Errors
/// If the store cannot be read.
pub(crate) async fn entry_point_state(
    store: &dyn Store,
    path: &ReleasePath,
    bytes: &Bytes,
    expected: &Content,
) -> Result<PlaceState, Error> {
    let sha256 = Sha256Digest::of(bytes);
    if sha256 == expected.sha256 {
        return Ok(PlaceState::Right);
    }
    if layout::is_program(path) {
        // A program has no mark. A publisher sends each entry point as a blob before it writes it,
        // and pruning keeps the blobs of live releases, so a blob shows that Netboot wrote it.
        let blob = layout::blob(&sha256);
        let found = store.stat(std::slice::from_ref(&blob)).await?;
        let is_ours = matches!(found.get(&blob), Some(Entry::Object { .. }));
        return Ok(if is_ours { PlaceState::Outdated } else { PlaceState::Foreign });
    }
    Ok(match Pointer::parse(bytes) {
        PointerContent::Malformed { without_history: true, .. } => PlaceState::Outdated,
        // A file with a history is a pointer, which no entry point may replace.
        _ => PlaceState::Foreign,
    })
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
