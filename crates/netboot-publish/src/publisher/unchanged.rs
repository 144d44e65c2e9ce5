//! Publishing a release that is live already.

use netboot_core::{Context, Release, layout};

use crate::error::Error;
use crate::pointer::Pointer;
use crate::pointer::activation::{Activation, ActivationKind};
use crate::publisher::Publisher;
use crate::publisher::checks::depth::VerifyDepth;
use crate::publisher::checks::objects::{all_present, required};
use crate::publisher::checks::place_state::{PlaceState, link_state};
use crate::publisher::checks::whole::finding;
use crate::publisher::inventory::pointer_state::PointerState;
use crate::publisher::inventory::untrusted_manifest::UntrustedManifest;
use crate::receipt::{Outcome, Receipt};

impl Publisher {
    /// Returns a receipt if the release is live and all of its objects have the right size, so that
    /// there is nothing to do. Returns `None` if there is something to do, or if this publisher
    /// has to check more than sizes.
    pub(crate) async fn find_unchanged(
        &self,
        release: &Release,
        base: &PointerState,
        context: &Context,
    ) -> Result<Option<Receipt>, Error> {
        let is_closer = self.verification > VerifyDepth::Listing
            || !self.signing.signers.is_empty()
            || self.signing.is_required()
            || self.binary_cache.is_some();
        let (Some(there), false) = (base.pointer(), is_closer) else { return Ok(None) };
        let activation =
            Activation::new(ActivationKind::Activated, *release.id(), self.clock.now());
        let is_live = base.live() == Some(*release.id())
            && self.is_fresh(there)
            && Pointer::new(release.pointer(), activation, base.history())
                .is_ok_and(|pointer| pointer.script == there.script);
        if !is_live {
            return Ok(None);
        }
        let stored = UntrustedManifest::find_sound(self.store.as_ref(), release.id()).await?;
        let Some(stored) = stored else { return Ok(None) };
        let manifest = stored.unchecked();
        let (objects, entry_points) = (required(manifest), manifest.entry_points());
        let record = layout::in_release(release.id(), &layout::incomplete_manifest());
        let paths = objects.keys().cloned().chain(self.places.paths(manifest)?);
        let found = self.store.stat(&paths.chain([record.clone()]).collect::<Vec<_>>()).await?;
        let is_whole = objects
            .iter()
            .chain(entry_points)
            .all(|(path, content)| finding(path, content.size, found.get(path)).is_none());
        let links = self.places.links(manifest)?;
        let is_linked = links
            .iter()
            .all(|(path, target)| link_state(found.get(path), target) == PlaceState::Right);
        // A publisher that was stopped after the swap left the record of staging behind.
        if !is_whole || !is_linked || found.contains_key(&record) {
            return Ok(None);
        }

        Ok(Some(Receipt {
            release: *release.id(),
            pointer: self.pointer.clone(),
            previous: base.live(),
            outcome: Outcome::Unchanged,
            staged: Some(all_present(manifest)),
            entry_points: Vec::new(),
            links: Vec::new(),
            without: self.missing_features(context),
        }))
    }
}
