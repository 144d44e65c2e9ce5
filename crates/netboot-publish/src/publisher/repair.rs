//! Sending again what is damaged at a target.

mod manifests;
mod places;
mod source;

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use netboot_core::{
    Content, Context, Manifest, Phase, ReleaseId, ReleasePath, Sha256Digest, layout,
};
use serde::Serialize;

use self::manifests::Candidate;
pub use self::source::RepairSource;
use super::Publisher;
use super::content::check_contents;
use super::target::{incomplete_manifest, upload};
use super::whole::required;
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

/// What there is to send for a manifest, and what cannot be found anywhere.
#[derive(Debug, Default)]
struct Mending {
    hashed_bytes: u64,
    findings: Vec<Finding>,
    blobs: Vec<Upload>,
    files: Vec<Upload>,
    unfound: Vec<Finding>,
}

impl Publisher {
    /// Reads every byte of a release, and sends again what is missing or has other bytes than its
    /// manifest says, also where the size is right: from the first of `sources` that has it, or
    /// else from what lies elsewhere at the target (an entry point and its text are the same). Of
    /// the live release also its entry points and the script in the pointer are put right.
    ///
    /// A manifest that is missing, cannot be understood, names what nobody has or (with trusted
    /// keys) is not signed right is taken from a source as well. What a manifest says of its images
    /// beyond that is covered by nothing but a signature. Other files are only ever replaced under the name of
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
        let mut best: Option<(Candidate, Mending)> = None;
        for candidate in self.candidates(release, sources, &mut report).await? {
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
        let incomplete = layout::in_release(release, &incomplete_manifest()?);
        if !records.is_empty() {
            // So that pruning knows whose files these are until the manifest is there.
            let json = manifest.to_json()?.into();
            self.store.send(vec![upload(incomplete.clone(), json)?], context).await?;
        }
        self.mend(mending.blobs, &mut report, context).await?;
        self.mend(mending.files, &mut report, context).await?;
        if mending.unfound.is_empty() {
            for record in records {
                self.mend(vec![record], &mut report, context).await?;
            }
            self.store.delete(&[incomplete], context).await?;
        } else if !records.is_empty() {
            report.remaining.push(Finding::Incomplete { release: *release });
        }
        report.remaining.extend(mending.unfound);
        self.mend_places(&manifest, &mut report, context).await?;
        Ok(report)
    }

    /// What is to be sent so that a release of this manifest is whole.
    async fn mending(
        &self,
        manifest: &Manifest,
        sources: &[RepairSource],
        context: &Context,
    ) -> Result<Mending, Error> {
        let objects = required(manifest);
        let (mut findings, sound) = self.check_sizes(objects.clone()).await?;
        let (wrong, hashed_bytes) = check_contents(&self.store, sound, context).await?;
        findings.extend(wrong);
        let mut mending = Mending { hashed_bytes, ..Mending::default() };
        for finding in &findings {
            let Some((path, expected)) =
                finding.path().and_then(|path| objects.get_key_value(path))
            else {
                continue;
            };
            match self.find(manifest, path, *expected, sources, context).await? {
                Some(upload) if path.as_str().starts_with("blobs/") => mending.blobs.push(upload),
                Some(upload) => mending.files.push(upload),
                None => mending.unfound.push(finding.clone()),
            }
        }
        mending.findings = findings;
        Ok(mending)
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
}
