//! Sending the damaged objects of a release again.

mod manifests;
mod places;
pub(crate) mod report;
pub(crate) mod source;

use bytes::Bytes;
use netboot_core::layout::{self, Area};
use netboot_core::{Content, Context, Manifest, Phase, ReleaseId, ReleasePath, Sha256Digest};

use crate::error::Error;
use crate::finding::Finding;
use crate::publisher::Publisher;
use crate::publisher::checks::contents::check_contents;
use crate::publisher::checks::objects::required;
use crate::publisher::checks::whole::check_sizes;
use crate::publisher::inventory::content::read_object;
use crate::publisher::repair::manifests::{Candidate, candidates};
use crate::publisher::repair::report::RepairReport;
use crate::publisher::repair::source::RepairSource;
use crate::publisher::uploads::upload;
use crate::store::Upload;

/// The objects to send so that a release is whole, and the objects that no source has.
#[derive(Debug, Default)]
struct Mending {
    hashed_bytes: u64,
    findings: Vec<Finding>,
    blobs: Vec<Upload>,
    files: Vec<Upload>,
    unfound: Vec<Finding>,
}

impl Publisher {
    /// Reads every byte of a release and replaces missing and damaged objects, also objects of the
    /// right size with wrong bytes. Each object comes from the first of `sources` that has it, or
    /// from another place at the target (an entry point has the same text as its blob). If the
    /// release is live, repair also corrects its entry points and the script in the pointer.
    ///
    /// Repair also takes the manifest from a source if the target's manifest is missing, cannot be
    /// understood, names objects that nobody has or, with trusted keys, lacks a valid signature.
    /// Only a signature protects what a manifest says about its images beyond sizes and digests.
    /// Repair replaces other files only at the path of a blob or of a file of the release.
    /// [`with_replace_foreign`](Self::with_replace_foreign) decides about a foreign entry point.
    ///
    /// The report lists the objects that repair could not replace; they are no error.
    ///
    /// # Errors
    /// [`Error::NotStaged`] if neither the target nor a source has the release's manifest;
    /// [`Error::MalformedManifest`] or [`Error::Signature`] if they have only an invalid one;
    /// [`Error::Conflict`] if the release is live and another publisher activates meanwhile;
    /// [`Error::Cancelled`]; if a source or the target cannot be read or written.
    pub async fn repair(
        &self,
        release: impl Into<ReleaseId>,
        sources: &[RepairSource],
        context: &Context,
    ) -> Result<RepairReport, Error> {
        let release = &release.into();
        let _phase = context.phase(Phase::Staging, None);
        let (store, mut report) = (self.store.as_ref(), RepairReport::new(*release));
        let mut best: Option<(Candidate, Mending)> = None;
        for candidate in candidates(store, &self.signing, release, sources, &mut report).await? {
            let mending = self.mending(&candidate.manifest, sources, context).await?;
            report.hashed_bytes += mending.hashed_bytes;
            let complete = mending.unfound.is_empty();
            if complete || best.is_none() {
                best = Some((candidate, mending));
            }
            if complete {
                break;
            }
        }
        let Some((Candidate { manifest, records, .. }, mending)) = best else {
            return Err(Error::NotStaged { release: *release });
        };
        report.found.extend(mending.findings);
        let incomplete = layout::in_release(release, &layout::incomplete_manifest());
        if !records.is_empty() {
            // Until the manifest is there, this tells pruning which files belong to the release.
            let json = manifest.to_json()?.into();
            store.send(vec![upload(incomplete.clone(), json)?], context).await?;
        }
        report.mend(store, mending.blobs, context).await?;
        report.mend(store, mending.files, context).await?;
        if mending.unfound.is_empty() {
            for record in records {
                report.mend(store, vec![record], context).await?;
            }
            store.delete(&[incomplete], context).await?;
        } else if !records.is_empty() {
            report.remaining.push(Finding::Incomplete { release: *release });
        }
        let is_whole = mending.unfound.is_empty();
        report.remaining.extend(mending.unfound);
        if is_whole {
            self.mend_cache(&manifest, &mut report, context).await?;
        }
        self.mend_places(&manifest, &mut report, context).await?;
        Ok(report)
    }

    /// Finds what to send so that a release with this manifest is whole.
    async fn mending(
        &self,
        manifest: &Manifest,
        sources: &[RepairSource],
        context: &Context,
    ) -> Result<Mending, Error> {
        let objects = required(manifest);
        let (mut findings, sound) = check_sizes(self.store.as_ref(), objects.clone()).await?;
        let (wrong, hashed_bytes) = {
            let _phase = context.phase(Phase::Verifying, None);
            check_contents(&self.store, sound, context).await?
        };
        findings.extend(wrong);
        let mut mending = Mending { hashed_bytes, ..Mending::default() };
        for finding in &findings {
            let Some((path, expected)) =
                finding.path().and_then(|path| objects.get_key_value(path))
            else {
                continue;
            };
            match self.find(manifest, path, *expected, sources, context).await? {
                Some(upload) if Area::of(path.as_str()) == Area::Blobs => {
                    mending.blobs.push(upload);
                }
                Some(upload) => mending.files.push(upload),
                None => mending.unfound.push(finding.clone()),
            }
        }
        mending.findings = findings;
        Ok(mending)
    }

    /// Finds an object in a source or at another place of the target.
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
        // The manifest gives the text of the pointer. The target has the text of an entry point
        // twice.
        let twins = manifest.entry_points().iter().filter(|(_, twin)| **twin == expected);
        let mut candidates = vec![manifest.pointer_text()];
        for (twin, _) in twins {
            candidates.extend(
                read_object(self.store.as_ref(), twin).await?.map(|document| document.bytes),
            );
        }
        let right = |bytes: &Bytes| Sha256Digest::of(bytes) == expected.sha256;
        candidates.into_iter().find(right).map(|bytes| upload(path.clone(), bytes)).transpose()
    }
}
