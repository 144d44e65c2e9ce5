//! Comparing the files that machines get with a manifest.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::{
    Content, Context, Manifest, Phase, ReleaseId, ReleasePath, Sha256Digest, layout,
};

use crate::error::Error;
use crate::finding::{Finding, NOT_LIVE};
use crate::pointer::{Pointer, PointerContent};
use crate::public_url::PublicUrl;
use crate::public_url::fetch::{Fetched, foreign};
use crate::publisher::checks::depth::VerifyDepth;
use crate::publisher::checks::meter::Meter;
use crate::publisher::checks::objects::required;
use crate::publisher::inventory::untrusted_manifest::UntrustedManifest;
use crate::signature::signature_file;
use crate::signature::trusted_comment;
use crate::verify_report::VerifyReport;

/// The number of objects that are fetched at once.
const PARALLEL_FETCHES: usize = 8;

impl PublicUrl {
    /// Follows the pointer as a machine does, and compares all objects of the live release with the
    /// release's manifest. Objects that this depth does not fetch are compared by the length that
    /// the server announces. A wrong answer of the server is a finding in the report, not an error.
    ///
    /// With trusted keys, this also checks the pointer: its signature, its name, its best-before
    /// date, and that it is not older than one that was seen at this URL. Without its memory, this
    /// cannot know if the pointer is the newest one;
    /// [`Publisher::verify_public`](crate::Publisher::verify_public) can.
    ///
    /// # Errors
    /// [`Error::PublicUrl`] if the server cannot be reached, [`Error::Cancelled`].
    pub async fn verify(
        &self,
        depth: VerifyDepth,
        context: &Context,
    ) -> Result<VerifyReport, Error> {
        let _phase = context.phase(Phase::Verifying, None);
        let mut report = VerifyReport::default();
        let path = layout::pointer(&self.pointer);
        let (trust, place) = (self.pointer_trust(), self.to_string());
        let known = trust.recall(&place, &self.pointer).await?;
        let Some(pointer) = self.fetch_sound(&path, &mut report, context).await? else {
            return Ok(report);
        };
        let parsed = Pointer::parse(&pointer.bytes);
        let problem = match trust.admit(&place, &self.pointer, parsed, known.as_ref()).await {
            PointerContent::Pointer(pointer) => {
                let untrusted = |problem| Finding::UntrustedPointer { path, problem };
                report.findings.extend(trust.expired(&pointer).map(untrusted));
                let Some(live) = pointer.live() else { return Ok(report) };
                let Some(manifest) = self.manifest(&live, &mut report, context).await? else {
                    return Ok(report);
                };
                self.check_release(&manifest, &pointer.script, depth, &mut report, context).await?;
                return Ok(report);
            }
            PointerContent::Malformed { problem, .. } => Finding::BrokenPointer { path, problem },
            PointerContent::Untrusted { problem, .. } => {
                Finding::UntrustedPointer { path, problem }
            }
            PointerContent::Foreign => foreign(path, &pointer),
        };
        report.findings.push(problem);
        Ok(report)
    }

    /// Fetches the manifest of a release, and reports a manifest that is missing, cannot be
    /// understood or lacks a valid signature.
    async fn manifest(
        &self,
        release: &ReleaseId,
        report: &mut VerifyReport,
        context: &Context,
    ) -> Result<Option<Manifest>, Error> {
        let path = layout::in_release(release, &layout::manifest());
        let Some(fetched) = self.fetch_sound(&path, report, context).await? else {
            return Ok(None);
        };
        let (release, json) = (*release, fetched.bytes);
        let manifest = match UntrustedManifest::parse(&release, json.clone()) {
            Ok(manifest) => manifest,
            Err(Error::MalformedManifest { source, .. }) => {
                let problem = source.to_string();
                report.findings.push(Finding::MalformedManifest { release, problem });
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if let Some(keys) = &self.trusted_keys {
            let path = layout::in_release(&release, &layout::manifest_signature());
            let signature = match self.fetch(&path, context).await? {
                Ok(signature) => Some(signature.bytes),
                Err(Finding::Missing { .. }) => None,
                Err(finding) => {
                    report.findings.push(finding);
                    None
                }
            };
            let comment = trusted_comment(&release);
            let checked = signature_file::check(keys, &json, &comment, signature.as_deref());
            if let Err(problem) = checked {
                report.findings.push(Finding::Signature { release, problem });
            }
        }
        Ok(Some(manifest.unchecked().clone()))
    }

    /// Checks a release, its entry points and `pointer`, the script in the pointer.
    pub(crate) async fn check_release(
        &self,
        manifest: &Manifest,
        pointer: &Bytes,
        depth: VerifyDepth,
        report: &mut VerifyReport,
        context: &Context,
    ) -> Result<(), Error> {
        report.releases.insert(*manifest.release());
        if *pointer != manifest.pointer_text() {
            let (path, problem) = (layout::pointer(&self.pointer), NOT_LIVE.to_owned());
            report.findings.push(Finding::BrokenPointer { path, problem });
        }
        let objects = required(manifest);
        report.objects += objects.len();
        let read = depth.to_read(objects.clone(), manifest.blobs());
        let entry_points = manifest.entry_points();
        let all: BTreeMap<ReleasePath, Content> =
            objects.into_iter().chain(entry_points.clone()).collect();
        let counted = read.iter().filter(|(path, _)| !entry_points.contains_key(*path));
        let total = counted.map(|(_, content)| content.size).fold(0, u64::saturating_add);
        let meter = &Meter::new(total, context);
        let checks = all.into_iter().map(|(path, expected)| {
            let fetches = read.contains_key(&path) || entry_points.contains_key(&path);
            async move {
                if fetches {
                    let is_entry = entry_points.contains_key(&path);
                    self.check_bytes(path, expected, is_entry, (meter, context)).await
                } else {
                    Ok((self.check_size(path, expected.size, context).await?, 0))
                }
            }
        });
        let checked = stream::iter(checks).buffered(PARALLEL_FETCHES);
        let checked: Vec<(Vec<Finding>, u64)> = checked.try_collect().await?;
        for (findings, hashed_bytes) in checked {
            report.findings.extend(findings);
            report.hashed_bytes += hashed_bytes;
        }
        Ok(())
    }

    /// Compares the length that a server announces for an object.
    async fn check_size(
        &self,
        path: ReleasePath,
        expected: u64,
        context: &Context,
    ) -> Result<Vec<Finding>, Error> {
        let head = match self.head(&path, context).await? {
            Ok(head) => head,
            Err(finding) => return Ok(vec![finding]),
        };
        Ok(match (head.length, head.redirected) {
            (length, Some(to)) if head.to_https || length != Some(expected) => {
                vec![Finding::Redirected { path, to }]
            }
            (None, _) => vec![Finding::NoLength { path }],
            (found, _) if found != Some(expected) => {
                vec![Finding::WrongSize { path, expected, found }]
            }
            _ => Vec::new(),
        })
    }

    /// Compares the bytes of an object. Returns the findings and the number of bytes read.
    pub(crate) async fn check_bytes(
        &self,
        path: ReleasePath,
        expected: Content,
        is_entry: bool,
        (meter, context): (&Meter, &Context),
    ) -> Result<(Vec<Finding>, u64), Error> {
        // The text of an entry point tells who wrote it.
        let fetched = if is_entry {
            self.fetch(&path, context).await?
        } else {
            let count = |bytes| meter.add(bytes);
            self.fetch_up_to(&path, expected.size, false, count, context).await?
        };
        let fetched = match fetched {
            Ok(fetched) => fetched,
            Err(finding) => return Ok((vec![finding], 0)),
        };
        let found = fetched.content;
        let mut findings = Vec::new();
        if let Some(to) = fetched.redirected.clone()
            && (fetched.to_https || found != expected)
        {
            findings.push(Finding::Redirected { path, to });
        } else if found == expected {
            findings.extend((!fetched.has_length).then_some(Finding::NoLength { path }));
        } else if is_entry && layout::is_program(&path) {
            // A program has no mark: Netboot wrote it if the target has a blob with its bytes.
            let blob = self.head(&layout::blob(&found.sha256), context).await?;
            let is_ours = blob.is_ok_and(|head| head.length == Some(found.size));
            findings.push(if is_ours {
                Finding::Outdated { path }
            } else {
                Finding::Foreign { path }
            });
        } else if is_entry {
            findings.push(match Pointer::parse(&fetched.bytes) {
                PointerContent::Malformed { without_history: true, .. } => {
                    Finding::Outdated { path }
                }
                _ => Finding::Foreign { path },
            });
        } else if found.size != expected.size {
            let (expected, found) = (expected.size, Some(found.size));
            findings.push(Finding::WrongSize { path, expected, found });
        } else {
            let (expected, found) = (expected.sha256, found.sha256);
            findings.push(Finding::WrongDigest { path, expected, found });
        }
        Ok((findings, fetched.received))
    }

    /// Fetches an object that the rest of the verification depends on, and reports its problems.
    pub(crate) async fn fetch_sound(
        &self,
        path: &ReleasePath,
        report: &mut VerifyReport,
        context: &Context,
    ) -> Result<Option<Fetched>, Error> {
        match self.fetch(path, context).await? {
            Ok(fetched) => {
                report.hashed_bytes += fetched.received;
                if let Some(to) = fetched.redirected.clone().filter(|_| fetched.to_https) {
                    report.findings.push(Finding::Redirected { path: path.clone(), to });
                } else if !fetched.has_length {
                    report.findings.push(Finding::NoLength { path: path.clone() });
                }
                Ok(Some(fetched))
            }
            Err(finding) => {
                report.findings.push(finding);
                Ok(None)
            }
        }
    }
}

/// The size and digest of bytes in memory.
pub(crate) fn content_of_bytes(bytes: &[u8]) -> Content {
    Content { size: bytes.len() as u64, sha256: Sha256Digest::of(bytes) }
}
