//! What is live, what was, and which releases there are.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use netboot_core::ReleaseId;
use serde::Serialize;

use crate::error::Error;
use crate::pointer::{Activation, ActivationKind, Pointer};
use crate::publisher::Publisher;
use crate::publisher::checks::whole::is_whole;
use crate::publisher::inventory::release_files::ReleaseFiles;

/// A release in the history of a pointer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// The release.
    pub release: ReleaseId,
    /// When it became the live one, by the publisher's clock, to the second.
    pub activated_at: SystemTime,
    /// How it became the live one.
    pub kind: ActivationKind,
    /// Whether it is the live one: only the first entry can be.
    pub live: bool,
    /// Whether it is still at the target, with every object there in its right size: whether one
    /// can roll back to it.
    pub whole: bool,
}

impl Publisher {
    /// The live release; `None` while the pointer is not there, or is somebody else's.
    ///
    /// # Errors
    /// [`Error::MalformedPointer`]; when the target cannot be reached or read.
    pub async fn live(&self) -> Result<Option<ReleaseId>, Error> {
        let state = self.read_pointer().await?;
        state.understood()?;
        Ok(state.live())
    }

    /// The release that [`RollbackTo::Previous`] would make live; `None` where there is none. For a
    /// caller that writes down what it is about to do, so that doing it again goes no further.
    ///
    /// # Errors
    /// [`Error::MalformedPointer`]; when the target cannot be reached or read.
    pub async fn previous(&self) -> Result<Option<ReleaseId>, Error> {
        let state = self.read_pointer().await?;
        state.understood()?;
        Ok(state.pointer().and_then(Pointer::previous))
    }

    /// What was live, newest first.
    ///
    /// # Errors
    /// [`Error::MalformedPointer`]; when the target cannot be reached or read.
    pub async fn history(&self) -> Result<Vec<HistoryEntry>, Error> {
        let state = self.read_pointer().await?;
        state.understood()?;
        let activations = state.history().to_vec();
        let mut whole = BTreeMap::new();
        let releases: BTreeSet<ReleaseId> =
            activations.iter().map(|activation| activation.release).collect();
        for release in releases {
            whole.insert(release, is_whole(self.store.as_ref(), &release).await?);
        }
        let entry = |(position, activation): (usize, &Activation)| HistoryEntry {
            release: activation.release,
            activated_at: activation.at(),
            kind: activation.kind,
            live: position == 0,
            whole: whole.get(&activation.release) == Some(&true),
        };
        Ok(activations.iter().enumerate().map(entry).collect())
    }

    /// The releases at the target, live or not, whole or not: those that have a manifest.
    ///
    /// # Errors
    /// When the target cannot be reached or read.
    pub async fn releases(&self) -> Result<BTreeSet<ReleaseId>, Error> {
        let listed = ReleaseFiles::list(self.store.as_ref()).await?;
        let staged = listed.into_iter().filter(|(_, files)| files.is_staged());
        Ok(staged.map(|(release, _)| release).collect())
    }
}
