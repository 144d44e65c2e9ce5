//! The releases that pruning has to keep.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use netboot_core::layout::Location;
use netboot_core::{PointerName, ReleaseId};

use crate::error::Error;
use crate::finding::Finding;
use crate::pointer::PointerContent;
use crate::pointer::activation::Activation;
use crate::pointer::trust::PointerTrust;
use crate::publisher::inventory::pointer_state::PointerState;
use crate::publisher::inventory::release_files::ReleaseFiles;
use crate::publisher::inventory::untrusted_manifest::manifest_path;
use crate::store::{Entry, ListScope, Store};

/// The releases that the pointers of a target need.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) releases: BTreeSet<ReleaseId>,
    /// The releases that machines boot now.
    live: BTreeSet<ReleaseId>,
}

impl Wanted {
    /// Reads all pointers of the target; `own` is the publisher's pointer.
    pub(crate) async fn read(
        store: &dyn Store,
        own: &PointerName,
        trust: &PointerTrust,
        keep_last: usize,
        oldest: Option<SystemTime>,
    ) -> Result<Self, Error> {
        let state = PointerState::read(store, own, trust).await?;
        if state.is_foreign() {
            // A pointer of somebody else may lead to any release.
            return Err(Error::ForeignFile { path: state.path, store: store.to_string() });
        }
        let mut wanted = Self::default();
        // If somebody deleted the pointer, its release must not follow.
        wanted.releases.extend(state.known.as_ref().map(|known| known.release));
        for listed in store.list(&ListScope::Root).await? {
            let (Some(Location::Pointer(name)), Entry::Object { .. }) =
                (Location::parse(&listed.path), &listed.entry)
            else {
                continue;
            };
            let state = PointerState::read(store, &name, trust).await?;
            // A script without a history is an entry point, unless it is this publisher's pointer.
            match &state.content {
                Some(PointerContent::Malformed { without_history: true, .. })
                    if name != *own && state.known.is_none() => {}
                _ => state.trusted()?,
            }
            wanted.live.extend(state.live());
            wanted.releases.extend(wanted_of(state.history(), keep_last, oldest));
        }
        Ok(wanted)
    }

    /// Fails if a live release has no manifest, so that nobody knows which blobs it needs.
    pub(crate) fn require_manifests(
        &self,
        releases: &BTreeMap<ReleaseId, ReleaseFiles>,
    ) -> Result<(), Error> {
        let is_known = |release: &&ReleaseId| {
            releases.get(release).is_some_and(|files| files.records().next().is_some())
        };
        match self.live.iter().find(|release| !is_known(release)) {
            Some(release) => {
                let findings = vec![Finding::Missing { path: manifest_path(release) }];
                Err(Error::NotWhole { release: *release, findings })
            }
            None => Ok(()),
        }
    }
}

/// Returns the wanted releases of a history, which has the newest first: the live release, the
/// last `keep_last`, and the releases that were replaced after `oldest`.
fn wanted_of(
    history: &[Activation],
    keep_last: usize,
    oldest: Option<SystemTime>,
) -> BTreeSet<ReleaseId> {
    let mut wanted = BTreeSet::new();
    let mut last = BTreeSet::new();
    let mut replaced: Option<SystemTime> = None;
    for activation in history {
        let was_live_lately = match (replaced, oldest) {
            (None, _) | (_, None) => true,
            // The history counts whole seconds: rather keep a release a second too long.
            (Some(replaced), Some(oldest)) => replaced + Duration::from_secs(1) > oldest,
        };
        if last.len() < keep_last {
            last.insert(activation.release);
        }
        if was_live_lately || last.contains(&activation.release) {
            wanted.insert(activation.release);
        }
        replaced = Some(activation.at());
    }
    wanted
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use netboot_core::Sha256Digest;

    use super::*;
    use crate::pointer::activation::ActivationKind;

    #[test]
    fn what_was_live_within_the_grace_time_is_wanted() {
        let id = |name: &str| ReleaseId::from(Sha256Digest::of(name.as_bytes()));
        let activation = |name, seconds| Activation {
            kind: ActivationKind::Activated,
            seconds,
            release: id(name),
        };
        let history = [activation("C", 300), activation("B", 200), activation("A", 100)];
        let at = |seconds| Some(UNIX_EPOCH + Duration::from_secs(seconds));
        let wanted = |keep_last, oldest| wanted_of(&history, keep_last, oldest);

        assert_eq!(wanted(0, at(1000)), BTreeSet::from([id("C")]));
        assert_eq!(wanted(2, at(1000)), BTreeSet::from([id("C"), id("B")]));
        // B went out of service at 300, A at 200.
        assert_eq!(wanted(0, at(300)), BTreeSet::from([id("C"), id("B")]));
        assert_eq!(wanted(0, at(200)), BTreeSet::from([id("C"), id("B"), id("A")]));
        assert_eq!(wanted(0, None), BTreeSet::from([id("C"), id("B"), id("A")]));
    }
}
