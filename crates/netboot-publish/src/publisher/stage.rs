//! Sending a release to where it will be served from, without making it live.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytes::Bytes;
use netboot_core::{
    Content, Context, Manifest, Phase, Release, ReleaseId, ReleasePath, Sha256Digest, layout,
};
use serde::Serialize;

use super::Publisher;
use super::target::{StoredManifest, incomplete_manifest, upload};
use super::verify::VerifyDepth;
use super::whole::{finding, required};
use crate::store::Upload;
use crate::{Error, Finding};

/// What staging a release did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Staged {
    /// The release. It boots from `releases/<id>/boot.ipxe` already.
    pub release: ReleaseId,
    /// How many objects were sent.
    pub sent: usize,
    /// Their size in bytes.
    pub sent_bytes: u64,
    /// How many objects were there already.
    pub present: usize,
    /// Their size in bytes.
    pub present_bytes: u64,
}

impl Staged {
    pub(super) fn nothing(release: ReleaseId) -> Self {
        Self { release, sent: 0, sent_bytes: 0, present: 0, present_bytes: 0 }
    }

    /// Nothing was sent, and all that the release needs was there.
    pub(super) fn all_present(manifest: &Manifest) -> Self {
        let mut staged = Self::nothing(*manifest.release());
        for content in required(manifest).values() {
            staged.count(content.size, false);
        }
        staged
    }

    pub(super) fn count(&mut self, size: u64, missing: bool) {
        let (objects, bytes) = if missing {
            (&mut self.sent, &mut self.sent_bytes)
        } else {
            (&mut self.present, &mut self.present_bytes)
        };
        *objects += 1;
        *bytes += size;
    }
}

impl fmt::Display for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, sent_bytes, present, present_bytes, .. } = self;
        write!(
            f,
            "sent {sent} files ({sent_bytes} bytes), {present} were there ({present_bytes} bytes)"
        )
    }
}

impl Publisher {
    /// Sends a release to where it will be served from, and verifies that it is whole. What
    /// machines boot does not change; the release itself boots from `releases/<id>/boot.ipxe`.
    ///
    /// Sends what is missing: kernels, initrds and entry points' texts first, then the release's
    /// files, its manifest last. Under an id that is there already only explanations can differ
    /// (the manifest's `images`, and the logs); then manifest and logs stay as they are.
    ///
    /// # Errors
    /// When an artifact or the target cannot be read or written, [`Error::NotWhole`] when
    /// something is missing in the end (another publisher pruned it), [`Error::Cancelled`], and
    /// the signer's own.
    pub async fn stage(&self, release: &Release, context: &Context) -> Result<Staged, Error> {
        let damaged = self.damaged(release, context).await?;
        self.stage_over(release, &damaged, context).await
    }

    /// What is at the target in its right size, with other bytes; only what the depth of
    /// verification asks to be read.
    async fn damaged(
        &self,
        release: &Release,
        context: &Context,
    ) -> Result<BTreeSet<ReleasePath>, Error> {
        if self.verification == VerifyDepth::Listing {
            return Ok(BTreeSet::new());
        }
        let _phase = context.phase(Phase::Verifying, None);
        let there = self.manifest_of(release).await?;
        let manifest = there.as_ref().map_or(release.manifest(), |stored| &stored.manifest);
        Ok(damaged(&self.findings(manifest, self.verification, context).await?))
    }

    /// Stages a release, and sends also what is there but `damaged`.
    pub(super) async fn stage_over(
        &self,
        release: &Release,
        damaged: &BTreeSet<ReleasePath>,
        context: &Context,
    ) -> Result<Staged, Error> {
        let _phase = context.phase(Phase::Staging, None);
        let id = *release.id();
        let uploads = uploads(release)?;
        let incomplete = layout::in_release(&id, &incomplete_manifest()?);

        let mut staged = Staged::nothing(id);
        let (mut blobs, mut files) = (Vec::new(), Vec::new());
        // Under the lock, a pruning publisher either has deleted by now what is missing here, or
        // will see by the incomplete manifest, or by the time of the manifest, what to spare.
        let manifest = {
            let lock = self.store.lock(context).await?;
            let there = match self.manifest_of(release).await? {
                Some(stored) if self.may_stay(&stored, release).await? => Some(stored),
                _ => None,
            };
            let record = match &there {
                Some(stored) => upload(manifest_path(&id), stored.json.clone())?,
                None => upload(incomplete.clone(), release.manifest().to_json()?.into())?,
            };
            self.store.send(vec![record], context).await?;

            let stored_logs = there.as_ref().map(|stored| logs_of(&stored.manifest));
            let stored_logs = stored_logs.unwrap_or_default();
            let paths: BTreeSet<&ReleasePath> = uploads.keys().chain(stored_logs.keys()).collect();
            let paths: Vec<ReleasePath> = paths.into_iter().cloned().collect();
            let found = self.store.stat(&paths).await?;
            // The logs that are there stay, whatever was logged this time, unless one is damaged.
            let logs = logs_of(release.manifest());
            let logs_stay = there.is_some()
                && stored_logs.iter().all(|(path, content)| {
                    let sound = finding(path, content.size, found.get(path)).is_none();
                    logs.get(path) == Some(content) || (sound && !damaged.contains(path))
                });
            // The pointer's text is not covered by the id: where it differs, it is sent again.
            let same_pointer = there
                .as_ref()
                .is_some_and(|stored| stored.manifest.pointer() == release.manifest().pointer());
            let pointer = layout::in_release(&id, &layout::release_pointer());
            for (path, upload) in uploads {
                let size = upload.artifact().size();
                let other_log =
                    logs.contains_key(&path) && stored_logs.get(&path) != logs.get(&path);
                if other_log && logs_stay {
                    continue;
                }
                let missing = finding(&path, size, found.get(&path)).is_some()
                    || damaged.contains(&path)
                    || (path == pointer && !same_pointer)
                    || other_log;
                staged.count(size, missing);
                match (missing, path.as_str().starts_with("blobs/")) {
                    (true, true) => blobs.push(upload),
                    (true, false) => files.push(upload),
                    (false, _) => {}
                }
            }
            let same = |stored: &StoredManifest| {
                logs_stay && same_promises(&stored.manifest, release.manifest())
            };
            // Only what was recorded while the lock was held is spared by whoever holds it next.
            lock.check()?;
            there.filter(same)
        };
        self.store.send(blobs, context).await?;
        self.store.send(files, context).await?;
        let json: Bytes = match &manifest {
            Some(stored) => stored.json.clone(),
            None => release.manifest().to_json()?.into(),
        };
        // With its manifest a release counts as staged, and from the first moment as signed.
        if let Some(signature) = self.missing_signature(&id, &json).await? {
            self.store.send(vec![signature], context).await?;
        }
        if manifest.is_none() {
            self.store.send(vec![upload(manifest_path(&id), json)?], context).await?;
        }
        {
            let _phase = context.phase(Phase::Verifying, None);
            let manifest = manifest.as_ref().map_or(release.manifest(), |stored| &stored.manifest);
            self.require_whole(manifest, VerifyDepth::Listing, context).await?;
        }
        if !self.store.stat(std::slice::from_ref(&incomplete)).await?.is_empty() {
            self.store.delete(&[incomplete], context).await?;
        }
        Ok(staged)
    }

    /// The manifest that the target has for this release, if it can be understood. One that
    /// cannot is written anew.
    pub(super) async fn manifest_of(
        &self,
        release: &Release,
    ) -> Result<Option<StoredManifest>, Error> {
        match self.read_manifest(release.id()).await {
            Err(Error::MalformedManifest { source, .. })
                if !matches!(*source, netboot_core::Error::ManifestVersion { .. }) =>
            {
                Ok(None)
            }
            read => read,
        }
    }
}

/// The objects that have other bytes than they should.
pub(crate) fn damaged(findings: &[Finding]) -> BTreeSet<ReleasePath> {
    let damaged = findings.iter().filter_map(|finding| match finding {
        Finding::WrongDigest { path, .. } => Some(path.clone()),
        _ => None,
    });
    damaged.collect()
}

pub(super) fn manifest_path(release: &ReleaseId) -> ReleasePath {
    layout::in_release(release, &layout::manifest())
}

/// Whether two manifests differ in explanation only: in what they say of the images, or in logs.
pub(super) fn same_promises(one: &Manifest, other: &Manifest) -> bool {
    let promised = |manifest: &Manifest| {
        let logs = logs_of(manifest);
        let mut promised = required(manifest);
        promised.retain(|path, _| !logs.contains_key(path));
        promised
    };
    one.pointer() == other.pointer()
        && promised(one) == promised(other)
        && one.entry_points() == other.entry_points()
}

/// The logs of a release, by where they lie at the target.
pub(super) fn logs_of(manifest: &Manifest) -> BTreeMap<ReleasePath, Content> {
    let place = |path| layout::in_release(manifest.release(), path);
    manifest.logs().iter().map(|(path, content)| (place(path), *content)).collect()
}

/// All objects of a release but its manifest, by where they go.
pub(super) fn uploads(release: &Release) -> Result<BTreeMap<ReleasePath, Upload>, Error> {
    let id = release.id();
    let incomplete = incomplete_manifest()?;
    if release.files().contains_key(&incomplete) {
        return Err(netboot_core::Error::Duplicate { name: incomplete.into() }.into());
    }
    let names = names(release);
    let mut uploads = BTreeMap::new();
    for (sha256, blob) in release.blobs() {
        let path = layout::blob(sha256);
        let name = names.get(sha256).cloned().unwrap_or_else(|| path.to_string());
        uploads.insert(path.clone(), Upload::new(path, blob.clone()).with_subject(name));
    }
    for text in release.entry_points().values() {
        let path = layout::blob(&Sha256Digest::of(text));
        let text = upload(path.clone(), text.clone())?;
        uploads.entry(path).or_insert(text);
    }
    for (path, file) in release.files().iter().chain(release.logs()) {
        let place = layout::in_release(id, path);
        uploads.insert(place.clone(), Upload::new(place, file.clone()));
    }
    let place = layout::in_release(id, &layout::release_pointer());
    uploads.insert(place.clone(), upload(place, release.pointer().clone())?);
    Ok(uploads)
}

/// What people call the blobs: `<profile>/<file name>` of the first profile that has it.
fn names(release: &Release) -> BTreeMap<Sha256Digest, String> {
    let mut names = BTreeMap::new();
    for (profile, image) in release.manifest().images() {
        for file in std::iter::once(&image.kernel).chain(&image.initrds) {
            let name = || format!("{profile}/{}", file.file_name);
            names.entry(file.sha256).or_insert_with(name);
        }
    }
    names
}
