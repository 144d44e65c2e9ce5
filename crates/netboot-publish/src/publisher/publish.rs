//! Staging and activating in one.

use netboot_core::{Context, Release, ReleaseId};

use super::Publisher;
use super::stage::{Staged, same_promises};
use super::target::PointerState;
use super::whole::required;
use crate::Error;
use crate::pointer::ActivationKind;
use crate::receipt::Receipt;

/// How often a release is staged when another publisher prunes parts of it meanwhile.
const ATTEMPTS: usize = 3;

impl Publisher {
    /// Stages a release, verifies it, and makes it the live one. Publishing the live release
    /// again changes nothing and sends nothing, unless something of it is missing.
    ///
    /// # Errors
    /// Those of [`stage`](Self::stage) and [`activate`](Self::activate). What would keep the
    /// release from going live, such as [`Error::ForeignFile`], is found before anything is sent.
    /// [`Error::Conflict`] also when the pointer changed while the release was being sent.
    pub async fn publish(&self, release: &Release, context: &Context) -> Result<Receipt, Error> {
        let base = self.read_pointer().await?;
        self.publish_from(release, &base, context).await
    }

    /// The same, if `base` is what is live (`None`: nothing is). For a release that was made of
    /// what was live, as by [`images`](Self::images): what another published meanwhile is not
    /// undone, but is a conflict.
    ///
    /// # Errors
    /// Those of [`publish`](Self::publish), and [`Error::Conflict`] when something else is live.
    pub async fn publish_over(
        &self,
        base: Option<&ReleaseId>,
        release: &Release,
        context: &Context,
    ) -> Result<Receipt, Error> {
        let found = self.read_pointer().await?;
        found.understood()?;
        if found.live() != base.copied() {
            let (pointer, expected) = (self.pointer.clone(), base.copied());
            return Err(Error::Conflict { pointer, expected, found: found.live() });
        }
        self.publish_from(release, &found, context).await
    }

    async fn publish_from(
        &self,
        release: &Release,
        base: &PointerState,
        context: &Context,
    ) -> Result<Receipt, Error> {
        self.writable_places(release.manifest(), base).await?;
        let mut attempt = 1;
        loop {
            match self.publish_once(release, base, context).await {
                Err(Error::NotWhole { .. } | Error::NotStaged { .. }) if attempt < ATTEMPTS => {
                    tracing::warn!(release = %release.id(), attempt, "parts of it were pruned");
                    attempt += 1;
                }
                published => return published,
            }
        }
    }

    async fn publish_once(
        &self,
        release: &Release,
        base: &PointerState,
        context: &Context,
    ) -> Result<Receipt, Error> {
        let live = base.live() == Some(*release.id());
        let staged = if live && self.is_staged(release).await? {
            let mut staged = Staged::nothing(*release.id());
            for content in required(release.manifest()).values() {
                staged.count(content.size, false);
            }
            staged
        } else {
            self.stage(release, context).await?
        };
        let receipt =
            self.make_live(release.id(), base, ActivationKind::Activated, context).await?;
        Ok(Receipt { staged: Some(staged), ..receipt })
    }

    /// Whether this very release is at the target, and whole.
    pub(super) async fn is_staged(&self, release: &Release) -> Result<bool, Error> {
        match self.manifest_of(release).await? {
            Some(stored) if same_promises(&stored.manifest, release.manifest()) => {
                Ok(self.findings(&stored.manifest).await?.is_empty())
            }
            _ => Ok(false),
        }
    }
}
