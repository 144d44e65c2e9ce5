//! Making a staged release live: the only step that machines notice.

use std::collections::{BTreeMap, BTreeSet};

use netboot_core::{Context, Event, Manifest, Phase, ReleaseId, ReleasePath, layout};

use crate::error::Error;
use crate::pointer::Pointer;
use crate::pointer::activation::{Activation, ActivationKind};
use crate::publisher::Publisher;
use crate::publisher::checks::legacy_links::abandoned_links;
use crate::publisher::checks::objects::required;
use crate::publisher::checks::whole::{require_unchanged, require_whole_in};
use crate::publisher::inventory::pointer_state::PointerState;
use crate::publisher::inventory::untrusted_manifest::read_exactly;
use crate::publisher::stage::JustSent;
use crate::publisher::uploads::upload;
use crate::receipt::{Outcome, Receipt};
use crate::store::{MissingFeature, Question, Swap};

impl Publisher {
    /// Makes a staged release live by replacing the pointer.
    ///
    /// The publisher writes missing entry points before that, and the links of the old layout
    /// after it, if they are set. If it fails to write the links, the release stays live. After a
    /// time limit of the caller's, the release may be live, as after [`publish`](Self::publish).
    ///
    /// # Errors
    /// [`Error::NotStaged`], [`Error::NotWhole`], [`Error::Signature`], [`Error::Conflict`] if the
    /// pointer changed since this began, [`Error::ForeignFile`], [`Error::MalformedPointer`],
    /// [`Error::UntrustedPointer`], [`Error::NoPointerSigner`], [`Error::LessProtection`],
    /// [`Error::Cancelled`]; if the target cannot be read or written.
    pub async fn activate(
        &self,
        release: impl Into<ReleaseId>,
        context: &Context,
    ) -> Result<Receipt, Error> {
        let release = release.into();
        let records = self.records_of(&release);
        let this = self.seeing(Question::default().with_documents(records));
        let base = this.read_pointer().await?;
        this.make_live(&release, &base, ActivationKind::Activated, context).await
    }

    /// Replaces the pointer with the pointer of `release`, unless it changed since `base`.
    pub(crate) async fn make_live(
        &self,
        release: &ReleaseId,
        base: &PointerState,
        kind: ActivationKind,
        context: &Context,
    ) -> Result<Receipt, Error> {
        let just = JustSent::default();
        if !self.store.capabilities().lock()
            && let Ok(trusted) = self.read_trusted_manifest(release).await
        {
            let this = self.seeing(self.question_of_manifest(trusted.manifest())?);
            return this.make_sent_live(release, &just, base, kind, context).await;
        }
        self.make_sent_live(release, &just, base, kind, context).await
    }

    /// Replaces the pointer with the pointer of `release`, unless it changed since `base`. This
    /// publisher has just sent what `just` says.
    pub(crate) async fn make_sent_live(
        &self,
        release: &ReleaseId,
        just: &JustSent,
        base: &PointerState,
        kind: ActivationKind,
        context: &Context,
    ) -> Result<Receipt, Error> {
        let _phase = context.phase(Phase::Activating, None);
        self.places.require_trusted(base)?;
        if base.live() != Some(*release) {
            self.require_protection(base)?;
        }
        let store = self.store.as_ref();
        let hashed = if self.hashes_before_going_live() {
            // Reading takes long, so it happens before the lock.
            let trusted = self.read_trusted_manifest(release).await?;
            self.require_sound(trusted.manifest(), &just.objects, context).await?
        } else {
            BTreeMap::new()
        };
        let lock = store.lock(context).await?;
        let base = &self.renewed(base).await?;
        let trusted = self.read_trusted_manifest(release).await?;
        let manifest = trusted.manifest();
        // One question for the release's objects and for the places that are written over.
        let paths = required(manifest).into_keys().chain(self.places.paths(manifest)?);
        let found = store.stat(&paths.collect::<Vec<_>>()).await?;
        {
            let _phase = context.phase(Phase::Verifying, None);
            if self.hashes_before_going_live() {
                require_unchanged(&self.store, manifest, &hashed, &found, context).await?;
            } else {
                let depth = self.verification;
                require_whole_in(&found, &self.store, manifest, depth, context).await?;
            }
        }
        let mut pointer = Pointer::new(
            &manifest.pointer_text(),
            Activation::new(kind, *release, self.clock.now()),
            base.history(),
        )
        .map_err(|problem| Error::MalformedPointer { path: self.pointer_path(), problem })?;

        let places = self.places.require_writable_in(&found, store, manifest, base).await?;
        let unchanged = base.live() == Some(*release)
            && base.pointer().is_some_and(|there| there.script == pointer.script);
        let stays = unchanged && base.pointer().is_some_and(|there| self.is_fresh(there));
        if !stays {
            self.require_protection(base)?;
        }
        let mut entry_points = places.entry_points_to_write();
        lock.check()?;
        self.write_entry_points(manifest, &entry_points, just, context).await?;
        entry_points.extend(just.entry_points.iter().cloned());
        entry_points.sort();
        entry_points.dedup();
        context.check()?;
        // A publisher that took the lost lock may have pruned the release meanwhile.
        lock.check()?;

        let outcome = match kind {
            _ if unchanged => Outcome::Unchanged,
            ActivationKind::Activated => Outcome::Activated,
            ActivationKind::RolledBack => Outcome::RolledBack,
        };
        if unchanged {
            // Only the best-before date may change.
            pointer.history = base.history().to_vec();
        }
        if !stays {
            self.seal(&mut pointer, base).await?;
        }
        self.forget_old_view().await;
        // Another publisher may have read the pointer as long before its swap.
        let begun = self.view_began().await;
        self.swap(&pointer, base, stays, &just.unneeded).await?;
        if let ([activation, ..], false) = (pointer.history.as_slice(), stays) {
            if self.store.capabilities().compare_and_swap() {
                self.remember(&pointer).await;
            } else {
                self.settle(activation, begun.elapsed(), context).await?;
            }
        }

        let links = places.links_to_write();
        if !links.is_empty() {
            self.store.link(&links).await?;
        }
        self.delete_abandoned_links(base, manifest, context).await?;
        Ok(Receipt {
            release: *release,
            pointer: self.pointer.clone(),
            previous: base.live(),
            outcome,
            staged: None,
            entry_points,
            links: links.into_keys().collect(),
            without: self.missing_features(context),
        })
    }

    /// Replaces the pointer that `base` saw with `pointer`. If `unchanged`, only makes sure that
    /// the pointer is still the same.
    pub(crate) async fn swap(
        &self,
        pointer: &Pointer,
        base: &PointerState,
        unchanged: bool,
        unneeded: &[ReleasePath],
    ) -> Result<(), Error> {
        self.forget_old_view().await;
        let guarded = self.store.capabilities().compare_and_swap();
        // Without compare-and-swap, reading the pointer again is the best that is possible.
        let swapped =
            if (unchanged || !guarded) && self.read_pointer().await?.version != base.version {
                Swap::Conflict
            } else if unchanged {
                if !unneeded.is_empty() {
                    self.store.delete(unneeded, &Context::new()).await?;
                }
                Swap::Done
            } else {
                let (expected, text) = (base.version.as_ref(), pointer.to_bytes());
                self.store.swap_and_delete(&base.path, expected, text, unneeded).await?
            };
        if swapped == Swap::Done {
            return Ok(());
        }
        self.forget_view().await;
        let now = self.read_pointer().await?;
        let same = |now: &Pointer| now.live() == pointer.live() && now.script == pointer.script;
        if now.pointer().is_some_and(same) {
            // Another publisher made the very same release live.
            if !unneeded.is_empty() {
                self.store.delete(unneeded, &Context::new()).await?;
            }
            return Ok(());
        }
        let (pointer, expected) = (self.pointer.clone(), base.live());
        Err(Error::Conflict { pointer, expected, found: now.live() })
    }

    /// Writes entry points of a staged release.
    async fn write_entry_points(
        &self,
        manifest: &Manifest,
        paths: &[ReleasePath],
        just: &JustSent,
        context: &Context,
    ) -> Result<(), Error> {
        let (store, mut uploads) = (self.store.as_ref(), Vec::new());
        for path in paths {
            let Some(entry_point) = manifest.entry_points().get(path) else { continue };
            let blob = layout::blob(&entry_point.sha256);
            let text = match just.texts.get(path) {
                Some(text) => text.clone(),
                None => read_exactly(store, manifest.release(), blob, *entry_point).await?,
            };
            uploads.push(upload(path.clone(), text)?);
        }
        self.store.send(uploads, context).await
    }

    async fn delete_abandoned_links(
        &self,
        base: &PointerState,
        new: &Manifest,
        context: &Context,
    ) -> Result<(), Error> {
        let Some(old) = base.live().filter(|_| self.places.legacy_links) else { return Ok(()) };
        // The old release may be gone or damaged; then nobody knows its links any more.
        let Ok(old) = self.read_trusted_manifest(&old).await else { return Ok(()) };
        let abandoned = abandoned_links(self.store.as_ref(), old.manifest(), new).await?;
        if abandoned.is_empty() { Ok(()) } else { self.store.delete(&abandoned, context).await }
    }

    /// The features that the target lacks. Warns if the last publisher wins.
    pub(crate) fn missing_features(&self, context: &Context) -> BTreeSet<MissingFeature> {
        let missing = self.store.missing_features();
        if missing.contains(&MissingFeature::CompareAndSwap) {
            context.emit(Event::Warning {
                profile: None,
                message: format!("{} cannot compare and swap", self.store),
                hint: Some("run only one publisher at a time on this target".to_owned()),
            });
        }
        missing
    }
}
