//! The releases that pruning has to keep.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use netboot_core::layout::{self, Location};
use netboot_core::{PointerName, ReleaseId, ReleasePath};

use crate::error::Error;
use crate::finding::Finding;
use crate::pointer::activation::Activation;
use crate::pointer::trust::PointerTrust;
use crate::pointer::{Pointer, PointerContent};
use crate::publisher::inventory::entry_point::read_boot_script;
use crate::publisher::inventory::pointer_state::PointerState;
use crate::publisher::inventory::release_files::ReleaseFiles;
use crate::publisher::inventory::untrusted_manifest::manifest_path;
use crate::store::{Entry, ListScope, Store};

/// A listing may lack an object that was put into place within this time before it.
const BEING_WRITTEN: Duration = Duration::from_secs(60);

/// The problem of a pointer that was deleted.
const GONE: &str = "it is gone, and the entry points for machines are still there";

/// The rule that says which releases the pointers of a target need.
#[derive(Debug)]
pub(crate) struct WantedRule<'a> {
    /// The publisher's pointer.
    pub(crate) own: &'a PointerName,
    pub(crate) trust: PointerTrust,
    /// The lifetime that the publisher gives to pointers.
    pub(crate) lifetime: Option<Duration>,
    pub(crate) keep_last: usize,
    /// Releases that were live after this time are wanted.
    pub(crate) oldest: Option<SystemTime>,
}

/// The releases that the pointers of a target need.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) releases: BTreeSet<ReleaseId>,
    /// The releases that machines boot now.
    live: BTreeSet<ReleaseId>,
    /// The names of the files in the target's root, as a listing shows them.
    root: BTreeSet<String>,
}

impl WantedRule<'_> {
    /// Reads all pointers of the target.
    ///
    /// # Errors
    /// [`Error::StaleListing`] if a listing leaves out a pointer that is known otherwise; see
    /// [`Publisher::prune`](crate::Publisher::prune).
    pub(crate) async fn read(&self, store: &dyn Store) -> Result<Wanted, Error> {
        let mut wanted = Wanted::default();
        let mut pointers: BTreeMap<PointerName, Option<SystemTime>> = BTreeMap::new();
        for listed in store.list(&ListScope::Root).await? {
            if let (Some(Location::Pointer(name)), Entry::Object { modified, .. }) =
                (Location::parse(&listed.path), &listed.entry)
            {
                pointers.insert(name, Some(*modified));
            }
            wanted.root.insert(listed.path);
        }
        pointers.entry(self.own.clone()).or_default();
        for name in self.trust.known_names(&self.trust.place(store).await?).await? {
            pointers.entry(name).or_default();
        }
        let (mut own_is_gone, mut has_pointer) = (false, false);
        for (name, modified) in pointers {
            let state = PointerState::read(store, &name, &self.trust).await?;
            if state.content.is_some() && !wanted.root.contains(state.path.as_str()) {
                return Err(Error::stale_listing(store, state.path));
            }
            if state.is_foreign() && name == *self.own {
                // A pointer of somebody else may lead to any release.
                return Err(Error::ForeignFile { path: state.path, store: store.to_string() });
            }
            // A script without a history is an entry point, unless it is this publisher's pointer.
            match &state.content {
                Some(PointerContent::Malformed { without_history: true, .. })
                    if name != *self.own && state.known.is_none() => {}
                _ => state.trusted()?,
            }
            has_pointer |= state.pointer().is_some();
            own_is_gone |= name == *self.own && state.content.is_none() && state.known.is_none();
            // If somebody deleted the pointer, its release must not follow.
            let known = state.known.as_ref().filter(|_| name == *self.own);
            wanted.releases.extend(known.map(|known| known.release));
            wanted.live.extend(state.live());
            let late =
                state.pointer().zip(modified).map_or(Duration::ZERO, |(pointer, modified)| {
                    lateness(pointer, modified, self.lifetime)
                });
            let oldest = self.oldest.map(|oldest| oldest.checked_sub(late).unwrap_or(UNIX_EPOCH));
            wanted.releases.extend(wanted_of(state.history(), self.keep_last, oldest));
        }
        let is_booted_from = own_is_gone
            && !has_pointer
            && wanted.root.contains(layout::boot_script().as_str())
            && read_boot_script(store).await?.is_some();
        if is_booted_from {
            // Nobody knows any more which releases machines need.
            let path = layout::pointer(self.own);
            return Err(Error::MalformedPointer { path, problem: GONE.to_owned() });
        }
        Ok(wanted)
    }
}

/// The time by which the clock of the publisher that wrote a pointer was behind the target's. The
/// times in the history are earlier than the truth by this much. `modified` is the time of the
/// pointer at the target.
fn lateness(pointer: &Pointer, modified: SystemTime, lifetime: Option<Duration>) -> Duration {
    let written = match (pointer.best_before(), lifetime) {
        (None, _) => pointer.history.first().map(Activation::at),
        // The pointer may have been renewed long after the activation.
        (Some(date), Some(lifetime)) => {
            let date = UNIX_EPOCH.checked_add(Duration::from_secs(date));
            date.and_then(|date| date.checked_sub(lifetime))
        }
        (Some(_), None) => None,
    };
    written.and_then(|written| modified.duration_since(written).ok()).unwrap_or_default()
}

impl Wanted {
    /// Fails if a live release has no manifest, so that nobody knows which blobs it needs.
    pub(crate) fn require_manifests(
        &self,
        releases: &BTreeMap<ReleaseId, ReleaseFiles>,
    ) -> Result<(), Error> {
        let is_known =
            |release: &&ReleaseId| releases.get(release).is_some_and(ReleaseFiles::has_record);
        match self.live.iter().find(|release| !is_known(release)) {
            Some(release) => {
                let findings = vec![Finding::Missing { path: manifest_path(release) }];
                Err(Error::NotWhole { release: *release, findings })
            }
            None => Ok(()),
        }
    }

    /// Looks up the manifests that the listing of `releases` left out: without them, pruning would
    /// not know the blobs of a release. Adds the ones that another publisher is writing at this
    /// moment, by the target's time `now`. Fails if an older one is there.
    pub(crate) async fn add_unlisted(
        &self,
        store: &dyn Store,
        releases: &mut BTreeMap<ReleaseId, ReleaseFiles>,
        now: SystemTime,
    ) -> Result<(), Error> {
        let all: BTreeSet<ReleaseId> =
            self.releases.iter().chain(releases.keys()).copied().collect();
        let is_listed =
            |release: &ReleaseId| releases.get(release).is_some_and(ReleaseFiles::has_record);
        let records = [layout::manifest(), layout::incomplete_manifest()];
        let mut paths = BTreeMap::new();
        for release in all.iter().filter(|release| !is_listed(release)) {
            for record in &records {
                paths.insert(layout::in_release(release, record), (*release, record.clone()));
            }
        }
        if paths.is_empty() {
            return Ok(());
        }
        let sought: Vec<ReleasePath> = paths.keys().cloned().collect();
        for (path, entry) in store.stat(&sought).await? {
            let is_new = entry.modified().is_some_and(|modified| {
                // Anybody may have given the file a time that no clock can count on from.
                modified.checked_add(BEING_WRITTEN).is_none_or(|until| until >= now)
            });
            let Some((release, record)) = paths.remove(&path).filter(|_| is_new) else {
                return Err(Error::stale_listing(store, path));
            };
            releases.entry(release).or_default().add(record, entry);
        }
        Ok(())
    }

    /// Returns the entry points in the root that a live release has and the listing of the root
    /// left out. If one of them is there, the listing may lack pointers, too.
    pub(crate) fn unlisted_entry_points(
        &self,
        release: &ReleaseId,
        in_root: &[ReleasePath],
    ) -> Vec<ReleasePath> {
        if !self.live.contains(release) {
            return Vec::new();
        }
        let absent = in_root.iter().filter(|path| !self.root.contains(path.as_str()));
        absent.cloned().collect()
    }
}

/// Looks up objects that a listing left out. Fails if one is there.
pub(crate) async fn require_absent(
    store: &dyn Store,
    paths: Vec<ReleasePath>,
) -> Result<(), Error> {
    if paths.is_empty() {
        return Ok(());
    }
    match store.stat(&paths).await?.into_keys().next() {
        Some(path) => Err(Error::stale_listing(store, path)),
        None => Ok(()),
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
