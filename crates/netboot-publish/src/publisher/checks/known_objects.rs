//! The objects that a publisher has read and hashed, so that it does not read them again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use netboot_core::{ReleasePath, Sha256Digest};

use crate::publisher::checks::objects::Objects;
use crate::store::Entry;

/// The time within which a store whose clock counts whole seconds may give two versions of an
/// object the same time.
const COARSE: Duration = Duration::from_secs(2);

/// The same for a store with a finer clock. Linux takes the time of a file from its last tick,
/// which is up to 10 ms old.
const FINE: Duration = Duration::from_millis(50);

/// The digests of objects, with their size and time at the store when they were hashed.
#[derive(Debug, Default)]
pub(crate) struct KnownObjects(Mutex<BTreeMap<ReleasePath, (Sha256Digest, Entry)>>);

impl KnownObjects {
    /// Removes the objects that were hashed before and did not change since. `found` has the
    /// objects' entries at the store.
    pub(crate) fn without_known(
        &self,
        mut objects: Objects,
        found: &BTreeMap<ReleasePath, Entry>,
    ) -> Objects {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        objects.retain(|path, content| match (known.get(path), found.get(path)) {
            (Some((sha256, then)), Some(now)) => *sha256 != content.sha256 || then != now,
            _ => true,
        });
        objects
    }

    /// Forgets objects that are gone, so that the memory of a long-lived publisher stays bounded.
    pub(crate) fn forget(&self, is_gone: impl Fn(&ReleasePath) -> bool) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|path, _| !is_gone(path));
    }

    /// Remembers objects that were hashed after the store returned the entries in `found`. An
    /// object that was written just before is not remembered, since a change that follows at once
    /// may not change its time.
    pub(crate) fn remember(
        &self,
        hashed: Objects,
        found: &BTreeMap<ReleasePath, Entry>,
        now: SystemTime,
    ) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (path, content) in hashed {
            match found.get(&path).filter(|entry| is_settled(entry, now)) {
                Some(entry) => known.insert(path, (content.sha256, entry.clone())),
                None => known.remove(&path),
            };
        }
    }
}

/// Returns true if a later change of the object would change its time.
fn is_settled(entry: &Entry, now: SystemTime) -> bool {
    let Some(modified) = entry.modified() else { return false };
    let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    let tick = if since.subsec_nanos() == 0 { COARSE } else { FINE };
    modified.checked_add(tick).is_some_and(|settled| settled <= now)
}
