//! Publishing what is live already.

use std::collections::BTreeMap;

use netboot_core::{Context, Release, ReleasePath};

use super::Publisher;
use super::legacy_links::{legacy_links, link_state};
use super::place::PlaceState;
use super::stage::{Staged, same_promises};
use super::target::{PointerState, StoredManifest};
use super::verify::VerifyDepth;
use super::whole::{finding, required};
use crate::Error;
use crate::pointer::{Activation, ActivationKind, Pointer};
use crate::receipt::{Outcome, Receipt};

impl Publisher {
    /// The receipt of a release that is live, where all that belongs to it lies in its right size:
    /// nothing is to be done, which one look at the target tells. `None` where something is, or
    /// where this publisher is to look more closely than at sizes.
    pub(super) async fn find_unchanged(
        &self,
        release: &Release,
        base: &PointerState,
        stored: Option<&StoredManifest>,
        context: &Context,
    ) -> Result<Option<Receipt>, Error> {
        let is_closer = self.verification > VerifyDepth::Listing
            || self.signer.is_some()
            || self.trusted_keys.is_some();
        let (Some(stored), Some(there), false) = (stored, base.pointer(), is_closer) else {
            return Ok(None);
        };
        let activation = Activation::now(ActivationKind::Activated, *release.id());
        let is_live = base.live() == Some(*release.id())
            && Pointer::new(release.pointer(), activation, base.history())
                .is_ok_and(|pointer| pointer.script == there.script);
        let manifest = &stored.manifest;
        if !is_live || !same_promises(manifest, release.manifest()) {
            return Ok(None);
        }

        let objects = required(manifest);
        let links = if self.legacy_links { legacy_links(manifest)? } else { BTreeMap::new() };
        let entry_points = manifest.entry_points();
        let paths = objects.keys().chain(entry_points.keys()).chain(links.keys());
        let paths: Vec<ReleasePath> = paths.cloned().collect();
        let found = self.store.stat(&paths).await?;
        let is_whole = objects
            .iter()
            .chain(entry_points)
            .all(|(path, content)| finding(path, content.size, found.get(path)).is_none());
        let is_linked = links
            .iter()
            .all(|(path, target)| link_state(found.get(path), target) == PlaceState::Right);
        if !is_whole || !is_linked {
            return Ok(None);
        }

        Ok(Some(Receipt {
            release: *release.id(),
            pointer: self.pointer.clone(),
            previous: base.live(),
            outcome: Outcome::Unchanged,
            staged: Some(Staged::all_present(manifest)),
            entry_points: Vec::new(),
            links: Vec::new(),
            order_guarded: self.order_guarded(context),
        }))
    }
}
