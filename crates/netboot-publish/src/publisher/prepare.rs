//! Publishing in two steps, and undoing the second.

use netboot_core::{Context, Release, ReleaseId};

use super::Publisher;
use super::stage::Staged;
use super::target::PointerState;
use super::verify::VerifyDepth;
use crate::Error;
use crate::pointer::ActivationKind;
use crate::receipt::Receipt;

/// A release that is staged, and what was live when that began.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    base: PointerState,
    staged: Staged,
}

impl Prepared {
    pub(crate) fn into_staged(self) -> Staged {
        self.staged
    }

    /// The pointer as it was before.
    pub(crate) fn base(&self) -> &PointerState {
        &self.base
    }
}

impl Publisher {
    /// Finds what would keep a release from going live, and stages it.
    pub(crate) async fn prepare(
        &self,
        release: &Release,
        context: &Context,
    ) -> Result<Prepared, Error> {
        let base = self.read_pointer().await?;
        self.writable_places(release.manifest(), &base).await?;
        self.require_signable(release).await?;
        let staged = self.stage(release, context).await?;
        Ok(Prepared { base, staged })
    }

    /// What is staged of a release that could go live now, in place of what `base` says.
    pub(crate) async fn find_staged(
        &self,
        release: &ReleaseId,
        base: &PointerState,
        context: &Context,
    ) -> Result<Staged, Error> {
        let stored = self.read_staged(release).await?;
        self.require_signature(release, &stored).await?;
        self.writable_places(&stored.manifest, base).await?;
        self.require_whole(&stored.manifest, VerifyDepth::Listing, context).await?;
        Ok(Staged::all_present(&stored.manifest))
    }

    /// Makes a prepared release live, if what was live then still is.
    pub(crate) async fn activate_prepared(
        &self,
        release: &Release,
        prepared: &Prepared,
        context: &Context,
    ) -> Result<Receipt, Error> {
        let Prepared { base, staged } = prepared;
        let kind = ActivationKind::Activated;
        let receipt = self.make_live(release.id(), base, kind, context).await?;
        Ok(Receipt { staged: Some(staged.clone()), ..receipt })
    }

    /// Makes live again what was live when `base` was read, if `release` is live now. Where nothing
    /// was, the pointer goes.
    pub(crate) async fn undo(
        &self,
        release: &ReleaseId,
        base: &PointerState,
        context: &Context,
    ) -> Result<(), Error> {
        let now = self.read_pointer().await?;
        if now.live() != Some(*release) || now.version == base.version {
            return Ok(());
        }
        match base.live() {
            // It was live before, and only what its pointer said was replaced.
            Some(before) if before == *release => Ok(()),
            Some(before) => {
                self.make_live(&before, &now, ActivationKind::RolledBack, context).await?;
                Ok(())
            }
            None if base.content.is_none() => {
                let _lock = self.store.lock(context).await?;
                if self.read_pointer().await?.version == now.version {
                    self.store.delete(std::slice::from_ref(&base.path), context).await?;
                }
                Ok(())
            }
            // Somebody else's file lay there, and was to be replaced.
            None => Err(Error::NothingToRollBackTo { pointer: self.pointer.clone() }),
        }
    }
}
