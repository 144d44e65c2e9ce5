//! Which releases pruning has to keep.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use netboot_core::{PointerName, ReleaseId, layout};

use super::{Files, Retention};
use crate::pointer::{Activation, PointerContent};
use crate::publisher::Publisher;
use crate::publisher::stage::manifest_path;
use crate::publisher::target::incomplete_manifest;
use crate::store::{Entry, ListScope};
use crate::{Error, Finding};

/// The releases that pointers want.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) releases: BTreeSet<ReleaseId>,
    /// Those of them that machines boot now.
    pub(super) live: BTreeSet<ReleaseId>,
}

impl Publisher {
    /// The releases that any pointer wants.
    pub(super) async fn wanted(
        &self,
        retention: &Retention,
        oldest: Option<SystemTime>,
    ) -> Result<Wanted, Error> {
        let own = self.read_pointer().await?;
        if own.content == Some(PointerContent::Foreign) {
            // It may lead to any release.
            return Err(Error::ForeignFile { path: own.path, store: self.store.to_string() });
        }
        let mut wanted = Wanted::default();
        for listed in self.store.list(&ListScope::Root).await? {
            let name = listed.path.strip_suffix(".ipxe").map(PointerName::new);
            let (Some(Ok(name)), Entry::Object { .. }) = (name, &listed.entry) else { continue };
            let state = self.read_pointer_at(layout::pointer(&name)).await?;
            // Another script of ours has no history and needs none: only this pointer has to.
            match &state.content {
                Some(PointerContent::Malformed { without_history: true, .. })
                    if name != self.pointer => {}
                _ => state.understood()?,
            }
            wanted.live.extend(state.live());
            wanted.releases.extend(wanted_of(state.history(), retention.keep_last, oldest));
        }
        Ok(wanted)
    }
}

/// Fails if a release that machines boot has no manifest, so that nobody knows which blobs
/// are its own.
pub(super) fn require_manifests(
    live: &BTreeSet<ReleaseId>,
    releases: &BTreeMap<ReleaseId, Files>,
) -> Result<(), Error> {
    let records = [layout::manifest(), incomplete_manifest()?];
    let is_known = |release: &&ReleaseId| {
        let files = releases.get(release);
        files.is_some_and(|files| records.iter().any(|path| files.contains_key(path.as_str())))
    };
    match live.iter().find(|release| !is_known(release)) {
        Some(release) => {
            let findings = vec![Finding::Missing { path: manifest_path(release) }];
            Err(Error::NotWhole { release: *release, findings })
        }
        None => Ok(()),
    }
}

/// Of a history, newest first: the live release, the last ones, and those that were replaced
/// after `oldest`.
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
            // The history counts in whole seconds, and a second more is better than one less.
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
    use crate::pointer::ActivationKind;

    #[test]
    fn what_was_live_within_the_grace_time_is_wanted() {
        let id = |name: &str| ReleaseId::of([(name, &Sha256Digest::of(name.as_bytes()))]);
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
