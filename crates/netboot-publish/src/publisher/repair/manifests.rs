//! The manifests that a repaired release may have.

use bytes::Bytes;
use netboot_core::{Manifest, ReleaseId};

use crate::error::Error;
use crate::finding::Finding;
use crate::publisher::checks::signing::Signing;
use crate::publisher::inventory::untrusted_manifest::{
    UntrustedManifest, is_damaged, manifest_path, signature_path,
};
use crate::publisher::repair::report::RepairReport;
use crate::publisher::repair::source::RepairSource;
use crate::publisher::uploads::upload;
use crate::signature::signature_file;
use crate::signature::trusted_comment;
use crate::store::{Store, Upload};

/// A manifest that a repaired release may have, and the records to send for it.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) manifest: Manifest,
    /// The signature comes first, since a release counts as staged once its manifest is there.
    pub(crate) records: Vec<Upload>,
    json: Bytes,
}

impl Candidate {
    fn new(manifest: &UntrustedManifest, records: Vec<Upload>) -> Self {
        let (manifest, json) = (manifest.unchecked().clone(), manifest.json().clone());
        Self { manifest, records, json }
    }
}

/// Returns the manifest at the target first, if it may stay, then the manifests of the sources.
pub(crate) async fn candidates(
    store: &dyn Store,
    signing: &Signing,
    release: &ReleaseId,
    sources: &[RepairSource],
    report: &mut RepairReport,
) -> Result<Vec<Candidate>, Error> {
    let (own, problem) = own_candidate(store, signing, release, report).await?;
    let mut candidates: Vec<Candidate> = own.into_iter().collect();
    if signing.is_required() && !candidates.is_empty() {
        // A signed manifest is the best one.
        return Ok(candidates);
    }
    let mut refused = problem;
    for source in sources {
        let Some((stored, signature)) = source.manifest(release).await? else { continue };
        if candidates.iter().any(|known| known.json == *stored.json()) {
            continue;
        }
        match signature_for(store, signing, &stored, signature, source.is_own()).await {
            Ok(signature) => {
                let manifest = upload(manifest_path(release), stored.json().clone())?;
                let records = signature.into_iter().chain([manifest]).collect();
                candidates.push(Candidate::new(&stored, records));
            }
            Err(error) => refused = Some(error),
        }
    }
    match refused {
        Some(error) if candidates.is_empty() => Err(error),
        _ => Ok(candidates),
    }
}

/// Returns the manifest at the target if it may stay or can be rewritten, and the error of its
/// signature.
async fn own_candidate(
    store: &dyn Store,
    signing: &Signing,
    release: &ReleaseId,
    report: &mut RepairReport,
) -> Result<(Option<Candidate>, Option<Error>), Error> {
    let release = *release;
    let stored = match UntrustedManifest::find(store, &release).await {
        Ok(Some(stored)) => stored,
        Ok(None) => {
            report.found.push(Finding::Missing { path: manifest_path(&release) });
            return Ok((None, None));
        }
        Err(error) => match error {
            Error::MalformedManifest { ref source, .. } if is_damaged(&error) => {
                let problem = source.to_string();
                report.found.push(Finding::MalformedManifest { release, problem });
                return Ok((None, None));
            }
            error => return Err(error),
        },
    };
    if let Some(problem) = signing.problem(store, &stored).await? {
        report.found.push(Finding::Signature { release, problem });
        return Ok((None, Some(Error::Signature { release, problem })));
    }
    Ok((Some(Candidate::new(&stored, Vec::new())), None))
}

/// Returns the signature to send with a manifest from a source: its own or a new one.
async fn signature_for(
    store: &dyn Store,
    signing: &Signing,
    stored: &UntrustedManifest,
    signature: Option<Bytes>,
    is_own: bool,
) -> Result<Option<Upload>, Error> {
    let release = stored.release();
    let sound = |signature: &Bytes| match &signing.trusted_keys {
        Some(keys) => {
            let comment = trusted_comment(release);
            signature_file::check(keys, stored.json(), &comment, Some(signature)).is_ok()
        }
        None => true,
    };
    if let Some(signature) = signature.filter(sound) {
        return Ok(Some(upload(signature_path(release), signature)?));
    }
    // The signature at the target may be valid, or the signers can make one for the caller's own
    // release.
    match signing.problem(store, stored).await? {
        Some(problem) if !(is_own && signing.signs_enough()) => {
            Err(Error::Signature { release: *release, problem })
        }
        // A signer does not sign a mirror's statement about origins.
        _ if !is_own => Ok(None),
        _ => {
            let missing = signing.missing_signature(store, release, stored.json()).await?;
            missing.map(|signature| upload(signature_path(release), signature)).transpose()
        }
    }
}
