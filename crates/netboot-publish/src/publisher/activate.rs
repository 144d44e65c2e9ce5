//! Making a staged release the live one: the only step that machines notice.

use std::time::Instant;

use netboot_core::{Context, Event, Manifest, Phase, ReleaseId, layout};

use super::Publisher;
use super::target::PointerState;
use super::verify::VerifyDepth;
use crate::Error;
use crate::pointer::{Activation, ActivationKind, Pointer};
use crate::receipt::{Outcome, Receipt};
use crate::store::Swap;

/// Which release to roll back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RollbackTo {
    /// The one that was live before the live one. Rolling back again goes one further: a release
    /// that was rolled back from counts as if it had never been live.
    Previous,
    /// This one, whether it was ever live or not.
    Release(ReleaseId),
}

impl Publisher {
    /// Makes a staged release the live one, by replacing the pointer.
    ///
    /// Before that, entry points that are missing are written; after it, if asked for, the links
    /// of the old layout. A failure to write those leaves the release live.
    ///
    /// # Errors
    /// [`Error::NotStaged`], [`Error::NotWhole`], [`Error::Signature`], [`Error::Conflict`] when
    /// the pointer changed since this began, [`Error::ForeignFile`],
    /// [`Error::MalformedPointer`], [`Error::Cancelled`]; when the target cannot be read or written.
    pub async fn activate(&self, release: &ReleaseId, context: &Context) -> Result<Receipt, Error> {
        let base = self.read_pointer().await?;
        self.make_live(release, &base, ActivationKind::Activated, context).await
    }

    /// Makes a release the live one again.
    ///
    /// # Errors
    /// [`Error::NothingToRollBackTo`]; [`Error::NotStaged`] or [`Error::NotWhole`] when the
    /// release was pruned, or else those of [`activate`](Self::activate).
    pub async fn rollback(&self, to: RollbackTo, context: &Context) -> Result<Receipt, Error> {
        let base = self.read_pointer().await?;
        base.understood()?;
        let release = match to {
            RollbackTo::Release(release) => release,
            RollbackTo::Previous => base
                .pointer()
                .and_then(Pointer::previous)
                .ok_or_else(|| Error::NothingToRollBackTo { pointer: self.pointer.clone() })?,
        };
        self.make_live(&release, &base, ActivationKind::RolledBack, context).await
    }

    /// Replaces the pointer by that of `release`, if it is still what `base` says.
    pub(crate) async fn make_live(
        &self,
        release: &ReleaseId,
        base: &PointerState,
        kind: ActivationKind,
        context: &Context,
    ) -> Result<Receipt, Error> {
        let _phase = context.phase(Phase::Activating, None);
        if self.verification == VerifyDepth::Content {
            // It takes long, and keeps nobody waiting.
            let stored = self.read_staged(release).await?;
            self.require_whole(&stored.manifest, VerifyDepth::Content, context).await?;
        }
        let lock = self.store.lock(context).await?;
        let stored = self.read_staged(release).await?;
        self.require_signature(release, &stored).await?;
        let manifest = stored.manifest;
        let scripts = self.trusted_keys.is_some() || self.verification > VerifyDepth::Listing;
        let depth = if scripts { VerifyDepth::Scripts } else { VerifyDepth::Listing };
        self.require_whole(&manifest, depth, context).await?;
        let script = layout::in_release(release, &layout::release_pointer());
        let script = self.read_exactly(&manifest, script, manifest.pointer()).await?;
        let pointer = Pointer::new(&script, Activation::now(kind, *release), base.history())
            .map_err(|problem| Error::MalformedPointer { path: self.pointer_path(), problem })?;

        let places = self.writable_places(&manifest, base).await?;
        let entry_points = places.entry_points_to_write();
        lock.check()?;
        self.write_entry_points(&manifest, &entry_points, context).await?;
        context.check()?;
        // Whoever has the lock now may have pruned the release meanwhile.
        lock.check()?;

        let unchanged = base.live() == Some(*release)
            && base.pointer().is_some_and(|there| there.script == pointer.script);
        let outcome = match kind {
            _ if unchanged => Outcome::Unchanged,
            ActivationKind::Activated => Outcome::Activated,
            ActivationKind::RolledBack => Outcome::RolledBack,
        };
        let begun = Instant::now();
        self.swap(&pointer, base, unchanged).await?;
        if let ([activation, ..], false) = (pointer.history.as_slice(), unchanged)
            && !self.store.capabilities().compare_and_swap()
        {
            self.settle(activation, begun.elapsed(), context).await?;
        }

        let links = places.links_to_write();
        if !links.is_empty() {
            self.store.link(&links).await?;
        }
        self.delete_abandoned_links(base, &manifest, context).await?;
        Ok(Receipt {
            release: *release,
            pointer: self.pointer.clone(),
            previous: base.live(),
            outcome,
            staged: None,
            entry_points,
            links: links.into_keys().collect(),
            order_guarded: self.order_guarded(context),
        })
    }

    /// Replaces what `base` saw by `pointer`, or makes sure that it is still there if it is
    /// `unchanged`.
    async fn swap(
        &self,
        pointer: &Pointer,
        base: &PointerState,
        unchanged: bool,
    ) -> Result<(), Error> {
        let guarded = self.store.capabilities().compare_and_swap();
        // Without compare-and-swap, looking once more is the best there is.
        let swapped =
            if (unchanged || !guarded) && self.read_pointer().await?.version != base.version {
                Swap::Conflict
            } else if unchanged {
                Swap::Done
            } else {
                self.store.swap(&base.path, base.version.as_ref(), pointer.to_bytes()).await?
            };
        if swapped == Swap::Done {
            return Ok(());
        }
        let now = self.read_pointer().await?;
        let same = |now: &Pointer| now.live() == pointer.live() && now.script == pointer.script;
        if now.pointer().is_some_and(same) {
            // Another publisher made the very same release live.
            return Ok(());
        }
        let (pointer, expected) = (self.pointer.clone(), base.live());
        Err(Error::Conflict { pointer, expected, found: now.live() })
    }

    async fn delete_abandoned_links(
        &self,
        base: &PointerState,
        new: &Manifest,
        context: &Context,
    ) -> Result<(), Error> {
        let Some(old) = base.live().filter(|_| self.legacy_links) else { return Ok(()) };
        // The old release may be gone or damaged: then its links are not known any more.
        let Ok(Some(old)) = self.read_manifest(&old).await else { return Ok(()) };
        let abandoned = self.abandoned_links(&old.manifest, new).await?;
        if abandoned.is_empty() { Ok(()) } else { self.store.delete(&abandoned, context).await }
    }

    pub(super) fn order_guarded(&self, context: &Context) -> bool {
        let guarded = self.store.capabilities().compare_and_swap();
        if !guarded {
            context.emit(Event::Warning {
                profile: None,
                message: format!("{} cannot compare and swap", self.store),
                hint: Some("let only one publisher at a time publish to it".to_owned()),
            });
        }
        guarded
    }
}
