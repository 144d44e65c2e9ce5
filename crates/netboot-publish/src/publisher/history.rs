//! The live release, the releases that were live, and the releases at the target.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use netboot_core::{ReleaseId, layout};
use serde::Serialize;

use crate::error::Error;
use crate::pointer::Pointer;
use crate::pointer::activation::{Activation, ActivationKind};
use crate::pointer::problem::PointerProblem;
use crate::publisher::Publisher;
use crate::publisher::checks::objects::required;
use crate::publisher::inventory::pointer_state::PointerState;
use crate::publisher::inventory::presence::Presence;
use crate::publisher::inventory::records::{Records, WantedRecord};
use crate::publisher::inventory::release_files::ReleaseFiles;
use crate::publisher::inventory::untrusted_manifest::UntrustedManifest;

/// From this number of releases on, listing the target takes less than looking up the objects by
/// name, because their blobs are spread over the whole listing.
const LISTED: usize = 64;

/// A release in the history of a pointer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// The release.
    pub release: ReleaseId,
    /// The time when it went live, by the publisher's clock, to the second.
    pub activated_at: SystemTime,
    /// The way it went live.
    pub kind: ActivationKind,
    /// True if it is live now. Only the first entry can be.
    pub live: bool,
    /// True if the target still has every object of it in the right size and, with trusted keys,
    /// its signature, so that a rollback to it is possible.
    pub whole: bool,
}

impl HistoryEntry {
    /// The entries of a history, which has the newest first.
    pub(crate) fn all(
        activations: &[Activation],
        is_whole: impl Fn(&ReleaseId) -> bool,
    ) -> Vec<Self> {
        let entry = |(position, activation): (usize, &Activation)| Self {
            release: activation.release,
            activated_at: activation.at(),
            kind: activation.kind,
            live: position == 0,
            whole: is_whole(&activation.release),
        };
        activations.iter().enumerate().map(entry).collect()
    }
}

impl Publisher {
    /// Returns the live release, or `None` if there is no pointer or netboot did not write it.
    ///
    /// With trusted keys, the pointer also must not be older than its best-before date, and its
    /// script has to be the one that the manifest of the release says.
    ///
    /// # Errors
    /// [`Error::MalformedPointer`], [`Error::UntrustedPointer`]; when the target cannot be reached
    /// or read.
    pub async fn live(&self) -> Result<Option<ReleaseId>, Error> {
        let state = self.read_pointer().await?;
        state.trusted()?;
        match self.problem_of_live(&state).await? {
            Some(problem) => Err(state.refusal(problem)),
            None => Ok(state.live()),
        }
    }

    /// Returns the problem that a trusted pointer has as an answer to machines: its best-before
    /// date has passed, or its script is not that of its release. Damage of the release is no
    /// problem of its pointer.
    pub(crate) async fn problem_of_live(
        &self,
        state: &PointerState,
    ) -> Result<Option<PointerProblem>, Error> {
        let trust = self.pointer_trust();
        let (Some(pointer), Some(live), Some(_)) = (state.pointer(), state.live(), &trust.keys)
        else {
            return Ok(None);
        };
        if let Some(expired) = trust.expired(pointer) {
            return Ok(Some(expired));
        }
        let store = self.store.as_ref();
        Ok(match UntrustedManifest::find_sound(store, &live).await? {
            Some(stored)
                if pointer.script != stored.unchecked().pointer_text()
                    && self.signing.problem(store, &stored).await?.is_none() =>
            {
                Some(PointerProblem::OtherScript)
            }
            _ => None,
        })
    }

    /// Returns the release that [`RollbackTo::Previous`](crate::RollbackTo::Previous) would make
    /// live, or `None` if there is none. A caller that records it before it rolls back can repeat
    /// the rollback without going one release further.
    ///
    /// # Errors
    /// [`Error::MalformedPointer`], [`Error::UntrustedPointer`]; when the target cannot be reached
    /// or read.
    pub async fn previous(&self) -> Result<Option<ReleaseId>, Error> {
        let state = self.read_pointer().await?;
        state.trusted()?;
        Ok(state.pointer().and_then(Pointer::previous))
    }

    /// Returns the releases that were live, newest first.
    ///
    /// # Errors
    /// [`Error::MalformedPointer`], [`Error::UntrustedPointer`]; [`Error::ForeignFile`] for a
    /// pointer that netboot did not write; when the target cannot be reached or read.
    pub async fn history(&self) -> Result<Vec<HistoryEntry>, Error> {
        self.recent_history(usize::MAX).await
    }

    /// Returns the newest entries of the [`history`](Self::history), at most `limit`. It reads the
    /// manifests of these entries only, which a page that is shown again and again needs.
    ///
    /// # Errors
    /// The errors of [`history`](Self::history).
    pub async fn recent_history(&self, limit: usize) -> Result<Vec<HistoryEntry>, Error> {
        let state = self.read_pointer().await?;
        state.trusted()?;
        if state.is_foreign() {
            // Another program wrote the file, so it does not say which releases were live.
            return Err(Error::ForeignFile { path: state.path, store: self.store.to_string() });
        }
        let activations = state.history();
        let activations = &activations[..limit.min(activations.len())];
        let whole = self.whole_of(activations.iter().map(|it| it.release).collect()).await?;
        Ok(HistoryEntry::all(activations, |release| whole.contains(release)))
    }

    /// Returns those of `releases` that are staged, trusted and whole. It asks about all of them at
    /// once.
    async fn whole_of(&self, releases: BTreeSet<ReleaseId>) -> Result<BTreeSet<ReleaseId>, Error> {
        let (store, beside) = (self.store.as_ref(), self.signing.files());
        let mut presence = match releases.len() {
            ..LISTED => Presence::default(),
            _ => Presence::listed(store).await?,
        };
        let wanted = releases.into_iter().map(|it| WantedRecord::unlisted(it, &beside));
        let mut records = Records::new(store, wanted);
        let mut whole = BTreeSet::new();
        while let Some(batch) = records.next().await? {
            let mut needed = BTreeMap::new();
            for read in batch {
                let stored = match read.manifest() {
                    Ok(Some(stored)) => stored,
                    // Pruning deleted it, perhaps at this moment.
                    Ok(None) | Err(Error::MalformedManifest { .. }) => continue,
                    Err(error) => return Err(error),
                };
                let signatures = read.beside(&layout::manifest_signature());
                if self.signing.problem_with(&stored, signatures.map(|it| &it[..])).is_none() {
                    needed.insert(read.release, required(stored.unchecked()));
                }
            }
            presence.learn(store, needed.values()).await?;
            needed.retain(|_, objects| presence.damaged(objects).next().is_none());
            whole.extend(needed.into_keys());
        }
        Ok(whole)
    }

    /// Returns the releases that have a manifest at the target, live or not, whole or not.
    ///
    /// # Errors
    /// If the target cannot be reached or read.
    pub async fn releases(&self) -> Result<BTreeSet<ReleaseId>, Error> {
        let listed = ReleaseFiles::list(self.store.as_ref()).await?;
        let staged = listed.into_iter().filter(|(_, files)| files.is_staged());
        Ok(staged.map(|(release, _)| release).collect())
    }
}
