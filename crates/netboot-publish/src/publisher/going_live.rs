//! Reading the objects of a release before it goes live.

use std::collections::{BTreeMap, BTreeSet};

use netboot_core::{Context, Manifest, Phase, ReleasePath};

use crate::error::Error;
use crate::publisher::Publisher;
use crate::publisher::checks::contents::check_contents;
use crate::publisher::checks::depth::VerifyDepth;
use crate::publisher::checks::objects::required;
use crate::publisher::checks::whole::{compare_sizes, not_whole};
use crate::store::Entry;

impl Publisher {
    /// Returns true if every object of a release is hashed before the release goes live.
    pub(crate) fn hashes_before_going_live(&self) -> bool {
        self.signing.is_required() || self.verification == VerifyDepth::Content
    }

    /// Reads and hashes the objects of a release, except those that this publisher hashed before
    /// and that did not change since. By the store's contract, the objects in `sent` arrived just
    /// now, so they are read only as far as the depth of verification says. Returns the entries of
    /// the sound objects.
    pub(crate) async fn require_sound(
        &self,
        manifest: &Manifest,
        sent: &BTreeSet<ReleasePath>,
        context: &Context,
    ) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
        let objects = required(manifest);
        let paths: Vec<ReleasePath> = objects.keys().cloned().collect();
        // The entries come before the bytes: a change in between then shows as another time.
        let (found, now) = (self.store.stat(&paths).await?, self.clock.now());
        let (mut findings, sound) = compare_sizes(objects, &found);
        let mut unknown = self.known.without_known(sound.clone(), &found);
        let doubted = self.verification.to_read(unknown.clone(), manifest.blobs());
        unknown.retain(|path, _| !sent.contains(path) || doubted.contains_key(path));
        let _phase = context.phase(Phase::Verifying, None);
        let reads = !unknown.is_empty();
        let (wrong, _) = check_contents(&self.store, unknown, context).await?;
        findings.extend(wrong);
        if reads {
            // Reading took time in which an object may have changed.
            self.forget_view().await;
        }
        not_whole(manifest, findings)?;
        self.known.remember(sound, &found, now);
        Ok(found)
    }
}
