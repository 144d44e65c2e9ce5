//! Sending again what is damaged at a target.

mod places;
mod source;

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use netboot_core::{
    Content, Context, Manifest, Phase, ReleaseId, ReleasePath, Sha256Digest, layout,
};
use serde::Serialize;

pub use self::source::RepairSource;
use super::Publisher;
use super::content::check_contents;
use super::signing::signature_path;
use super::stage::manifest_path;
use super::target::{StoredManifest, incomplete_manifest, upload};
use super::whole::required;
use crate::signature;
use crate::store::Upload;
use crate::{Error, Finding};

/// What [`Publisher::repair`] did. `Display` tells it, a line for each thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RepairReport {
    /// The release.
    pub release: ReleaseId,
    /// How many bytes were read and hashed to find what is damaged.
    pub hashed_bytes: u64,
    /// What was wrong.
    pub found: Vec<Finding>,
    /// What was sent again, with its size in bytes.
    pub mended: BTreeMap<ReleasePath, u64>,
    /// What is still wrong: no source has it, or it is another's file.
    pub remaining: Vec<Finding>,
}

impl RepairReport {
    /// Whether nothing is wrong any more.
    pub fn is_whole(&self) -> bool {
        self.remaining.is_empty()
    }
}

impl fmt::Display for RepairReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { release, found, mended, remaining, .. } = self;
        let (count, bytes) = (mended.len(), mended.values().sum::<u64>());
        write!(f, "release {}: {} findings, ", release.short(), found.len())?;
        write!(f, "sent {count} files again ({bytes} bytes)")?;
        mended.keys().try_for_each(|path| write!(f, "\nmended `{path}`"))?;
        remaining.iter().try_for_each(|finding| write!(f, "\nstill wrong: {finding}"))
    }
}

impl Publisher {
    /// Reads every byte of a release, and sends again what is missing or has other bytes than its
    /// manifest says, also where the size is right: from the first of `sources` that has it, or
    /// else from what lies elsewhere at the target (an entry point and its text are the same). Of
    /// the live release also its entry points and the script in the pointer are put right.
    ///
    /// A manifest that is missing, cannot be understood or (with trusted keys) is not signed
    /// right is taken from a source as well. Other files are only ever replaced under the name of
    /// a blob or of the release's own; an entry point of somebody else stays as
    /// [`with_replace_foreign`](Self::with_replace_foreign) says.
    ///
    /// # Errors
    /// [`Error::NotStaged`] when neither the target nor a source has the release's manifest, and
    /// the errors of reading it otherwise; [`Error::Conflict`] when the release is live and
    /// another publisher activates meanwhile; [`Error::Cancelled`]; when a source or the target
    /// cannot be read or written. What cannot be mended is no error but in the report.
    pub async fn repair(
        &self,
        release: &ReleaseId,
        sources: &[RepairSource],
        context: &Context,
    ) -> Result<RepairReport, Error> {
        let _phase = context.phase(Phase::Staging, None);
        let mut report = RepairReport {
            release: *release,
            hashed_bytes: 0,
            found: Vec::new(),
            mended: BTreeMap::new(),
            remaining: Vec::new(),
        };
        let (manifest, records) = self.sound_manifest(release, sources, &mut report).await?;
        let incomplete = layout::in_release(release, &incomplete_manifest()?);
        if !records.is_empty() {
            // So that pruning knows whose files these are until the manifest is there.
            let json = manifest.to_json()?.into();
            self.store.send(vec![upload(incomplete.clone(), json)?], context).await?;
        }
        if self.mend_objects(&manifest, sources, &mut report, context).await? {
            self.mend(records, &mut report, context).await?;
            self.store.delete(&[incomplete], context).await?;
        } else if !records.is_empty() {
            report.remaining.push(Finding::Incomplete { release: *release });
        }
        self.mend_places(&manifest, &mut report, context).await?;
        Ok(report)
    }

    /// Sends blobs, then files of the release; says whether the release is whole now.
    async fn mend_objects(
        &self,
        manifest: &Manifest,
        sources: &[RepairSource],
        report: &mut RepairReport,
        context: &Context,
    ) -> Result<bool, Error> {
        let objects = required(manifest);
        let (mut findings, sound) = self.check_sizes(objects.clone()).await?;
        let (wrong, hashed_bytes) = check_contents(&self.store, sound, context).await?;
        findings.extend(wrong);
        report.hashed_bytes += hashed_bytes;
        let (mut blobs, mut files) = (Vec::new(), Vec::new());
        let mut whole = true;
        for finding in &findings {
            let Some((path, expected)) =
                finding.path().and_then(|path| objects.get_key_value(path))
            else {
                continue;
            };
            match self.find(manifest, path, *expected, sources, context).await? {
                Some(upload) if path.as_str().starts_with("blobs/") => blobs.push(upload),
                Some(upload) => files.push(upload),
                None => {
                    whole = false;
                    report.remaining.push(finding.clone());
                }
            }
        }
        report.found.extend(findings);
        self.mend(blobs, report, context).await?;
        self.mend(files, report, context).await?;
        Ok(whole)
    }

    async fn mend(
        &self,
        uploads: Vec<Upload>,
        report: &mut RepairReport,
        context: &Context,
    ) -> Result<(), Error> {
        let sent = uploads.iter().map(|upload| (upload.path().clone(), upload.content().size));
        let sent: Vec<_> = sent.collect();
        self.store.send(uploads, context).await?;
        report.mended.extend(sent);
        Ok(())
    }

    /// Where an object comes from: a source, or another place of the target.
    async fn find(
        &self,
        manifest: &Manifest,
        path: &ReleasePath,
        expected: Content,
        sources: &[RepairSource],
        context: &Context,
    ) -> Result<Option<Upload>, Error> {
        for source in sources {
            if let Some(upload) = source.find(path, expected, context).await? {
                return Ok(Some(upload));
            }
        }
        // An entry point's text lies at the target twice, and the release's pointer in the live one.
        let twins = manifest.entry_points().iter().filter(|(_, twin)| **twin == expected);
        let mut candidates = Vec::new();
        for (twin, _) in twins {
            candidates.extend(self.store.read(twin).await?.map(|document| document.bytes));
        }
        if *path == layout::in_release(manifest.release(), &layout::release_pointer()) {
            candidates
                .extend(self.read_pointer().await?.pointer().map(|there| there.script.clone()));
        }
        let right = |bytes: &Bytes| Sha256Digest::of(bytes) == expected.sha256;
        candidates.into_iter().find(right).map(|bytes| upload(path.clone(), bytes)).transpose()
    }

    /// A manifest that can be trusted, and what of manifest and signature has to be sent for it.
    async fn sound_manifest(
        &self,
        release: &ReleaseId,
        sources: &[RepairSource],
        report: &mut RepairReport,
    ) -> Result<(Manifest, Vec<Upload>), Error> {
        let there = match self.read_manifest(release).await {
            Ok(there) => there,
            Err(Error::MalformedManifest { source, .. })
                if !matches!(*source, netboot_core::Error::ManifestVersion { .. }) =>
            {
                let problem = source.to_string();
                report.found.push(Finding::MalformedManifest { release: *release, problem });
                None
            }
            Err(error) => return Err(error),
        };
        let problem = match &there {
            Some(stored) => self.signature_problem(release, stored).await?,
            None => None,
        };
        match (there, problem) {
            (Some(stored), None) => return Ok((stored.manifest, Vec::new())),
            (Some(_), Some(problem)) => {
                report.found.push(Finding::Signature { release: *release, problem });
            }
            (None, _) if report.found.is_empty() => {
                report.found.push(Finding::Missing { path: manifest_path(release) });
            }
            (None, _) => {}
        }
        let mut refused = None;
        for source in sources {
            let Some((stored, signature)) = source.manifest(release).await? else { continue };
            match self.signature_for(&stored, signature).await {
                Ok(signature) => {
                    let manifest = upload(manifest_path(release), stored.json)?;
                    let records = signature.into_iter().chain([manifest]).collect();
                    return Ok((stored.manifest, records));
                }
                Err(error) => refused = Some(error),
            }
        }
        Err(refused
            .or(problem.map(|problem| Error::Signature { release: *release, problem }))
            .unwrap_or(Error::NotStaged { release: *release }))
    }

    /// The signature to send with a manifest from a source: its own, or a new one.
    async fn signature_for(
        &self,
        stored: &StoredManifest,
        signature: Option<Bytes>,
    ) -> Result<Option<Upload>, Error> {
        let release = stored.manifest.release();
        let sound = |signature: &Bytes| match &self.trusted_keys {
            Some(keys) => signature::check(keys, release, &stored.json, Some(signature)).is_ok(),
            None => true,
        };
        if let Some(signature) = signature.filter(sound) {
            return Ok(Some(upload(signature_path(release), signature)?));
        }
        // The signature at the target may be right, or can be made.
        let trusts = |key| self.trusted_keys.as_ref().is_none_or(|keys| keys.contains(key));
        let can_sign = self.signer.as_ref().is_some_and(|signer| trusts(signer.public_key()));
        match self.signature_problem(release, stored).await? {
            Some(problem) if !can_sign => Err(Error::Signature { release: *release, problem }),
            _ => self.missing_signature(release, &stored.json).await,
        }
    }
}
