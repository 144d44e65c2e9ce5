//! Staging and activating in one.

use std::collections::BTreeSet;

use netboot_core::{Context, Release, ReleaseId, ReleasePath};

use crate::error::Error;
use crate::finding::damaged;
use crate::pointer::activation::ActivationKind;
use crate::publisher::Publisher;
use crate::publisher::checks::objects::all_present;
use crate::publisher::inventory::pointer_state::PointerState;
use crate::publisher::stage::{JustSent, Sent};
use crate::receipt::Receipt;

/// The number of times that a release is sent if parts of it turn out to be damaged or pruned.
const ATTEMPTS: usize = 3;

impl Publisher {
    /// Sends a release, verifies it, and makes it live. Publishing the live release again changes
    /// nothing and sends nothing, unless a part of it is missing.
    ///
    /// # Time limits
    /// A publisher has no time limit of its own. A caller can set one with
    /// [`tokio::time::timeout`], or drop the future. The limit may pass just after the pointer was
    /// replaced, so that the release is live although the caller has no receipt.
    /// [`live`](Self::live) then says which release is live. To publish the release again is always
    /// safe: if it is live, the receipt says so ([`Outcome::Unchanged`](crate::Outcome)).
    ///
    /// ```
    /// use std::time::Duration;
    /// use netboot_core::Context;
    /// use netboot_publish::{Error, MemoryStore, Publisher};
    /// # use netboot_publish::contract::sample_release;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let release = sample_release("one");
    /// let publisher = Publisher::new(MemoryStore::new());
    /// let (after, context) = (Duration::from_secs(600), Context::new());
    /// let published = tokio::time::timeout(after, publisher.publish(&release, &context)).await;
    /// let is_live = match published {
    ///     Ok(receipt) => receipt?.release == *release.id(),
    ///     Err(_) => publisher.live().await? == Some(*release.id()),
    /// };
    /// # assert!(is_live);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The errors of [`stage`](Self::stage) and [`activate`](Self::activate). Obstacles to going
    /// live, such as [`Error::ForeignFile`], are found before anything is sent.
    /// [`Error::Conflict`] also if the pointer changes while the release is sent.
    pub async fn publish(&self, release: &Release, context: &Context) -> Result<Receipt, Error> {
        let this = self.seeing(self.question_of(release)?);
        let base = this.read_pointer().await?;
        this.publish_from(release, &base, context).await
    }

    /// Publishes a release if `base` is live (`None`: no release). A release that was made from
    /// the [`images`](Self::images) of the live release then never undoes the work of another
    /// publisher. After a time limit of the caller's, the release may be live, as after
    /// [`publish`](Self::publish).
    ///
    /// # Errors
    /// The errors of [`publish`](Self::publish), and [`Error::Conflict`] if `base` is not live.
    pub async fn publish_over(
        &self,
        base: Option<ReleaseId>,
        release: &Release,
        context: &Context,
    ) -> Result<Receipt, Error> {
        let this = self.seeing(self.question_of(release)?);
        let found = this.require_live(base).await?;
        this.publish_from(release, &found, context).await
    }

    /// Returns the pointer if it makes `base` live.
    pub(crate) async fn require_live(
        &self,
        base: Option<ReleaseId>,
    ) -> Result<PointerState, Error> {
        let found = self.read_pointer().await?;
        found.understood()?;
        self.places.require_trusted(&found)?;
        if found.live() == base {
            return Ok(found);
        }
        let (pointer, expected) = (self.pointer.clone(), base);
        Err(Error::Conflict { pointer, expected, found: found.live() })
    }

    async fn publish_from(
        &self,
        release: &Release,
        base: &PointerState,
        context: &Context,
    ) -> Result<Receipt, Error> {
        if let Some(unchanged) = self.find_unchanged(release, base, context).await? {
            return Ok(unchanged);
        }
        self.require_publishable(release, base).await?;
        let mut damage = BTreeSet::new();
        let mut attempt = 1;
        loop {
            match self.publish_once(release, base, &damage, context).await {
                Err(error @ (Error::NotWhole { .. } | Error::NotStaged { .. }))
                    if attempt < ATTEMPTS =>
                {
                    tracing::warn!(release = %release.id(), attempt, %error, "staging it again");
                    if let Error::NotWhole { findings, .. } = error {
                        damage.extend(damaged(&findings));
                    }
                    attempt += 1;
                    self.forget_view().await;
                }
                published => return published,
            }
        }
    }

    async fn publish_once(
        &self,
        release: &Release,
        base: &PointerState,
        damage: &BTreeSet<ReleasePath>,
        context: &Context,
    ) -> Result<Receipt, Error> {
        let live = base.live() == Some(*release.id()) && damage.is_empty();
        let (mut staged, just) = if live && self.is_staged(release).await? {
            (all_present(release.manifest()), JustSent::default())
        } else {
            let store = self.store.as_ref();
            let places = self.places.require_writable(store, release.manifest(), base).await?;
            // Activation finds out whether it is whole, and what else is damaged.
            let entry_points = places.entry_points_to_write();
            let Sent { staged, just, .. } =
                self.send_release(release, damage, &entry_points, context).await?;
            (staged, just)
        };
        staged.binary_cache = self.fill_cache(release, context).await?;
        let (id, kind) = (release.id(), ActivationKind::Activated);
        let receipt = match self.make_sent_live(id, &just, base, kind, context).await {
            Err(error) if !just.unneeded.is_empty() => {
                // The release is staged, and may go live later. What stays is deleted then.
                let deleted = self.store.delete(&just.unneeded, context).await;
                drop(deleted.inspect_err(|error| tracing::debug!(%error, "the record stays")));
                return Err(error);
            }
            made => made?,
        };
        Ok(Receipt { staged: Some(staged), ..receipt })
    }
}
