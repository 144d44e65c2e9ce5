//! Publishing in two steps, and undoing the second step.

use netboot_core::{Context, Release, ReleaseId};

use crate::error::Error;
use crate::pointer::activation::ActivationKind;
use crate::publisher::Publisher;
use crate::publisher::checks::depth::VerifyDepth;
use crate::publisher::checks::objects::all_present;
use crate::publisher::checks::whole::require_whole;
use crate::publisher::inventory::pointer_state::PointerState;
use crate::receipt::{Receipt, Staged};

/// A staged release, and the pointer as it was before staging.
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
    /// Stages a release, unless something would keep it from going live.
    pub(crate) async fn prepare(
        &self,
        release: &Release,
        context: &Context,
    ) -> Result<Prepared, Error> {
        let this = self.seeing(self.question_of(release)?);
        let base = this.read_pointer().await?;
        this.prepare_seen(base, release, context).await
    }

    /// Stages a release to replace `base`, unless something would keep it from going live.
    pub(crate) async fn prepare_over(
        &self,
        base: PointerState,
        release: &Release,
        context: &Context,
    ) -> Result<Prepared, Error> {
        self.seeing(self.question_of(release)?).prepare_seen(base, release, context).await
    }

    async fn prepare_seen(
        &self,
        base: PointerState,
        release: &Release,
        context: &Context,
    ) -> Result<Prepared, Error> {
        self.require_publishable(release, &base).await?;
        let staged = self.stage_seen(release, context).await?;
        Ok(Prepared { base, staged })
    }

    /// Fails if something would keep a release from going live once it is staged.
    pub(crate) async fn require_publishable(
        &self,
        release: &Release,
        base: &PointerState,
    ) -> Result<(), Error> {
        let store = self.store.as_ref();
        self.places.require_writable(store, release.manifest(), base).await?;
        self.signing.require_signable(store, release.id()).await?;
        if base.live() == Some(*release.id()) { Ok(()) } else { self.require_sealable(base) }
    }

    /// Returns what is staged of a release, or fails if it could not replace `base` now.
    pub(crate) async fn find_staged(
        &self,
        release: &ReleaseId,
        base: &PointerState,
        context: &Context,
    ) -> Result<Staged, Error> {
        let trusted = self.read_trusted_manifest(release).await?;
        let manifest = trusted.manifest();
        self.places.require_writable(self.store.as_ref(), manifest, base).await?;
        if base.live() != Some(*release) {
            self.require_sealable(base)?;
        }
        require_whole(&self.store, manifest, VerifyDepth::Listing, context).await?;
        Ok(all_present(manifest))
    }

    /// Makes a prepared release live, unless the pointer changed since.
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

    /// If `release` is live now, makes the release live again that `base` says. If `base` has no
    /// pointer, deletes the pointer.
    pub(crate) async fn undo(
        &self,
        release: &ReleaseId,
        base: &PointerState,
        context: &Context,
    ) -> Result<(), Error> {
        let now = self.read_pointer().await?;
        now.trusted()?;
        if now.live() != Some(*release) || now.version == base.version {
            return Ok(());
        }
        match base.live() {
            // It was live before, and only the text of its pointer changed.
            Some(before) if before == *release => Ok(()),
            Some(before) => {
                self.make_live(&before, &now, ActivationKind::RolledBack, context).await?;
                Ok(())
            }
            // If the history has another release, somebody else's pointer was there after all.
            None if base.content.is_none()
                && now.history().iter().all(|activation| activation.release == *release) =>
            {
                let _lock = self.store.lock(context).await?;
                if self.read_pointer().await?.version == now.version {
                    self.store.delete(std::slice::from_ref(&base.path), context).await?;
                }
                Ok(())
            }
            // The pointer replaced a file that netboot did not write.
            None => Err(Error::NothingToRollBackTo { pointer: self.pointer.clone() }),
        }
    }
}
