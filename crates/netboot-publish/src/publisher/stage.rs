//! Sending a release to the target without making it live.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use netboot_core::layout::{self, Area};
use netboot_core::{Context, Manifest, Phase, Release, ReleasePath};

use crate::error::Error;
use crate::finding::damaged;
use crate::publisher::Publisher;
use crate::publisher::checks::depth::VerifyDepth;
use crate::publisher::checks::objects::{log_places, required};
use crate::publisher::checks::whole::{compare_sizes, finding, findings, require_whole};
use crate::publisher::inventory::untrusted_manifest::{
    UntrustedManifest, manifest_path, signature_path,
};
use crate::publisher::uploads::{upload, uploads};
use crate::receipt::Staged;

/// The result of sending a release, with the manifest that the target now has of it.
pub(crate) struct Sent {
    pub(crate) staged: Staged,
    pub(crate) just: JustSent,
    manifest: Manifest,
}

/// The part of a publication that this publisher did just before it makes the release live.
#[derive(Debug, Default)]
pub(crate) struct JustSent {
    /// The objects that this publisher sent.
    pub(crate) objects: BTreeSet<ReleasePath>,
    /// The entry points that it wrote.
    pub(crate) entry_points: Vec<ReleasePath>,
    /// The objects that are not needed once the release is staged.
    pub(crate) unneeded: Vec<ReleasePath>,
    /// The texts of the release's entry points.
    pub(crate) texts: BTreeMap<ReleasePath, Bytes>,
}

impl Publisher {
    /// Sends a release to the target and verifies that it is whole. Machines go on booting the
    /// live release; the staged release boots from `releases/<id>/boot.ipxe`.
    ///
    /// Sends only missing objects: first kernels, initrds and the texts of entry points, then the
    /// files of the release, and the manifest last. If the target already has a release with this
    /// id, only the origin of its images can differ; then the manifest at the target stays. A build
    /// log at the target stays in any case.
    ///
    /// The target is asked which objects it has. The manifest of the live release is not taken for
    /// an answer, although it names most of them: it does not tell that an object was lost since,
    /// and the objects have to be verified anyway before the release goes live. A bucket answers
    /// in pages of 1,000 keys where a page has at least 8 of the objects, and otherwise with up to
    /// 32 requests at once. So each look takes at most one request for each object of the release,
    /// at a target of any size.
    ///
    /// # Errors
    /// If an artifact or the target cannot be read or written; [`Error::NotWhole`] if an object is
    /// missing at the end, because another publisher pruned it; [`Error::Cancelled`]; the errors
    /// of the signer.
    pub async fn stage(&self, release: &Release, context: &Context) -> Result<Staged, Error> {
        self.seeing(self.question_of(release)?).stage_seen(release, context).await
    }

    /// Does the work of [`stage`](Self::stage) with a view of the target.
    pub(crate) async fn stage_seen(
        &self,
        release: &Release,
        context: &Context,
    ) -> Result<Staged, Error> {
        let damaged = self.damaged(release, context).await?;
        let _phase = context.phase(Phase::Staging, None);
        let Sent { mut staged, manifest, just } =
            self.send_release(release, &damaged, &[], context).await?;
        if !just.unneeded.is_empty() {
            self.store.delete(&just.unneeded, context).await?;
        }
        let _phase = context.phase(Phase::Verifying, None);
        require_whole(&self.store, &manifest, VerifyDepth::Listing, context).await?;
        staged.binary_cache = self.fill_cache(release, context).await?;
        Ok(staged)
    }

    /// Returns the objects of the right size with wrong bytes, as far as the depth of verification
    /// reads them.
    async fn damaged(
        &self,
        release: &Release,
        context: &Context,
    ) -> Result<BTreeSet<ReleasePath>, Error> {
        if self.verification == VerifyDepth::Listing {
            return Ok(BTreeSet::new());
        }
        let _phase = context.phase(Phase::Verifying, None);
        let there = UntrustedManifest::find_sound(self.store.as_ref(), release.id()).await?;
        let manifest = there.as_ref().map_or(release.manifest(), UntrustedManifest::unchecked);
        Ok(damaged(&findings(&self.store, manifest, self.verification, context).await?))
    }

    /// Sends the objects of a release that the target lacks, and the `damaged` ones. If the store
    /// has no lock, also writes these entry points before the manifest: each other moment would
    /// cost a call of its own. The caller verifies that the release is whole.
    pub(crate) async fn send_release(
        &self,
        release: &Release,
        damaged: &BTreeSet<ReleasePath>,
        entry_points: &[ReleasePath],
        context: &Context,
    ) -> Result<Sent, Error> {
        let _phase = context.phase(Phase::Staging, None);
        let (id, store) = (*release.id(), self.store.as_ref());
        let has_lock = store.capabilities().lock();
        let uploads = uploads(release)?;
        let incomplete = layout::in_release(&id, &layout::incomplete_manifest());

        let mut staged = Staged::nothing(id);
        let (mut blobs, mut files, mut scripts) = (Vec::new(), Vec::new(), Vec::new());
        // A publisher that prunes holds the same lock. Either it has deleted its objects already,
        // or it sees from one of the two manifests which objects it must spare.
        let lock = self.store.lock(context).await?;
        let there = match UntrustedManifest::find_sound(store, &id).await? {
            Some(stored) if self.signing.may_stay(store, &stored, release).await? => Some(stored),
            _ => None,
        };
        let json: Bytes = match &there {
            Some(stored) => stored.json().clone(),
            None => release.manifest().to_json()?.into(),
        };
        let signatures = self.signing.signatures_at(store, &id).await?;
        let paths: Vec<ReleasePath> = uploads.keys().chain([&incomplete]).cloned().collect();
        let found = self.store.stat(&paths).await?;
        let mut record = match &there {
            Some(_) => vec![upload(manifest_path(&id), json.clone())?],
            None => vec![upload(incomplete.clone(), json.clone())?],
        };
        if has_lock {
            self.store.send(std::mem::take(&mut record), context).await?;
        }
        // The next holder of the lock spares only what was recorded under the lock.
        lock.check()?;
        drop(lock);

        let logs = log_places(release);
        for (path, upload) in uploads {
            // A log of an earlier build stays.
            if logs.contains(&path) && found.contains_key(&path) {
                continue;
            }
            let size = upload.artifact().size();
            let missing =
                finding(&path, size, found.get(&path)).is_some() || damaged.contains(&path);
            staged.count(size, missing);
            match Area::of(path.as_str()) {
                _ if !missing => {}
                Area::Blobs => blobs.push(upload),
                // A store that sends files in the order of their names sends these together with
                // the manifest, and the others together with the record.
                _ if !has_lock && precedes(&path, &incomplete) => scripts.push(upload),
                _ => files.push(upload),
            }
        }
        let objects = blobs.iter().chain(&files).chain(&scripts);
        let objects = objects.map(|upload| upload.path().clone()).collect();
        // The signature goes first, since a release counts as staged once its manifest is there.
        let signature = self.signing.missing_signature_beside(signatures.as_ref(), &id, &json);
        if let Some(signature) = signature.await? {
            files.push(upload(signature_path(&id), signature)?);
        }
        let manifest_path = manifest_path(&id);
        let (mut earlier, mut later, mut written) = (Vec::new(), Vec::new(), Vec::new());
        for path in entry_points.iter().filter(|_| !has_lock) {
            let Some(text) = release.entry_points().get(path) else { continue };
            // They may come before or after the manifest. Where `rsync` sends them anyway costs
            // nothing: files in the root first, and then one directory after the other.
            let is_earlier = !path.as_str().contains('/') || *path < manifest_path;
            let side = if is_earlier { &mut earlier } else { &mut later };
            side.push(upload(path.clone(), text.clone())?);
            written.push(path.clone());
        }
        let is_recorded = there.is_none() || found.contains_key(&incomplete);
        // The record comes before the files, so that pruning knows whose they are. Blobs need none:
        // pruning deletes each blob that no release names.
        let mut batches = if there.is_some() {
            vec![blobs, scripts, record, files, earlier, later]
        } else {
            earlier.append(&mut scripts);
            later.push(upload(manifest_path, json)?);
            vec![blobs, record, files, earlier, later]
        };
        batches.retain(|batch| !batch.is_empty());
        self.store.send_in_order(batches, context).await?;
        let mut unneeded = if is_recorded { vec![incomplete] } else { Vec::new() };
        if has_lock && is_recorded {
            self.store.delete(&std::mem::take(&mut unneeded), context).await?;
        }
        let manifest = there.as_ref().map_or(release.manifest(), UntrustedManifest::unchecked);
        let texts = release.entry_points().clone();
        Ok(Sent {
            staged,
            just: JustSent { objects, entry_points: written, unneeded, texts },
            manifest: manifest.clone(),
        })
    }

    /// Returns true if the target has exactly this release, whole and signed as it has to be, and
    /// without the record of a publisher that was stopped.
    pub(crate) async fn is_staged(&self, release: &Release) -> Result<bool, Error> {
        let store = self.store.as_ref();
        let stored = UntrustedManifest::find_sound(store, release.id()).await?;
        let Some(stored) = stored else { return Ok(false) };
        let objects = required(stored.unchecked());
        let record = layout::in_release(release.id(), &layout::incomplete_manifest());
        let paths: Vec<ReleasePath> = objects.keys().chain([&record]).cloned().collect();
        let found = store.stat(&paths).await?;
        let unsigned = self.signing.lacks_signature(store, release.id(), stored.json()).await?;
        let is_whole = compare_sizes(objects, &found).0.is_empty();
        Ok(is_whole && !unsigned && !found.contains_key(&record))
    }
}

/// Returns true if both files are in the same directory, and `path` has the first name of the two.
fn precedes(path: &ReleasePath, other: &ReleasePath) -> bool {
    let parent =
        |path: &ReleasePath| path.as_str().rsplit_once('/').map(|(parent, _)| parent.to_owned());
    parent(path) == parent(other) && path < other
}
