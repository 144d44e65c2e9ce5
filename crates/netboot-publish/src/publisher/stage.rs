//! Sending a release to the target without making it live.

use std::collections::BTreeSet;

use bytes::Bytes;
use netboot_core::layout::{self, Area};
use netboot_core::{Context, Manifest, Phase, Release, ReleasePath};

use crate::error::Error;
use crate::finding::damaged;
use crate::publisher::Publisher;
use crate::publisher::checks::depth::VerifyDepth;
use crate::publisher::checks::objects::{log_places, required};
use crate::publisher::checks::whole::{check_sizes, finding, findings, require_whole};
use crate::publisher::inventory::untrusted_manifest::{
    UntrustedManifest, manifest_path, signature_path,
};
use crate::publisher::uploads::{upload, uploads};
use crate::receipt::Staged;

/// The result of sending a release, with the manifest that the target now has of it.
pub(crate) struct Sent {
    pub(crate) staged: Staged,
    /// The objects that this publisher sent.
    pub(crate) objects: BTreeSet<ReleasePath>,
    manifest: Manifest,
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
    /// # Errors
    /// If an artifact or the target cannot be read or written; [`Error::NotWhole`] if an object is
    /// missing at the end, because another publisher pruned it; [`Error::Cancelled`]; the errors
    /// of the signer.
    pub async fn stage(&self, release: &Release, context: &Context) -> Result<Staged, Error> {
        let damaged = self.damaged(release, context).await?;
        let _phase = context.phase(Phase::Staging, None);
        let Sent { mut staged, manifest, .. } =
            self.send_release(release, &damaged, context).await?;
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

    /// Sends the objects of a release that the target lacks, and the `damaged` ones. The caller
    /// verifies that the release is whole.
    pub(crate) async fn send_release(
        &self,
        release: &Release,
        damaged: &BTreeSet<ReleasePath>,
        context: &Context,
    ) -> Result<Sent, Error> {
        let _phase = context.phase(Phase::Staging, None);
        let (id, store) = (*release.id(), self.store.as_ref());
        let uploads = uploads(release)?;
        let incomplete = layout::in_release(&id, &layout::incomplete_manifest());

        let mut staged = Staged::nothing(id);
        let (mut blobs, mut files) = (Vec::new(), Vec::new());
        // A publisher that prunes holds the same lock. Either it has deleted its objects already,
        // or it sees from one of the two manifests which objects it must spare.
        let (manifest, is_recorded) = {
            let lock = self.store.lock(context).await?;
            let there = match UntrustedManifest::find_sound(store, &id).await? {
                Some(stored) if self.signing.may_stay(store, &stored, release).await? => {
                    Some(stored)
                }
                _ => None,
            };
            let record = match &there {
                Some(stored) => upload(manifest_path(&id), stored.json().clone())?,
                None => upload(incomplete.clone(), release.manifest().to_json()?.into())?,
            };
            self.store.send(vec![record], context).await?;

            let paths: Vec<ReleasePath> = uploads.keys().chain([&incomplete]).cloned().collect();
            let found = self.store.stat(&paths).await?;
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
                match (missing, Area::of(path.as_str()) == Area::Blobs) {
                    (true, true) => blobs.push(upload),
                    (true, false) => files.push(upload),
                    (false, _) => {}
                }
            }
            // The next holder of the lock spares only what was recorded under the lock.
            lock.check()?;
            (there, found.contains_key(&incomplete))
        };
        let objects = blobs.iter().chain(&files).map(|upload| upload.path().clone()).collect();
        self.store.send(blobs, context).await?;
        self.store.send(files, context).await?;
        let json: Bytes = match &manifest {
            Some(stored) => stored.json().clone(),
            None => release.manifest().to_json()?.into(),
        };
        // The signature goes first, since a release counts as staged once its manifest is there.
        if let Some(signature) = self.signing.missing_signature(store, &id, &json).await? {
            self.store.send(vec![upload(signature_path(&id), signature)?], context).await?;
        }
        if manifest.is_none() {
            self.store.send(vec![upload(manifest_path(&id), json)?], context).await?;
        }
        if is_recorded {
            self.store.delete(&[incomplete], context).await?;
        }
        let manifest =
            manifest.as_ref().map_or(release.manifest(), UntrustedManifest::unchecked).clone();
        Ok(Sent { staged, objects, manifest })
    }

    /// Returns true if the target has exactly this release, whole and signed as it has to be.
    pub(crate) async fn is_staged(&self, release: &Release) -> Result<bool, Error> {
        let store = self.store.as_ref();
        match UntrustedManifest::find_sound(store, release.id()).await? {
            Some(stored) => {
                let (findings, _) = check_sizes(store, required(stored.unchecked())).await?;
                let signing = &self.signing;
                let unsigned = signing.lacks_signature(store, release.id(), stored.json()).await?;
                Ok(findings.is_empty() && !unsigned)
            }
            None => Ok(false),
        }
    }
}
