//! Which manifests a release at the target may have, once it is mended.

use bytes::Bytes;
use netboot_core::{Manifest, ReleaseId};

use super::{RepairReport, RepairSource};
use crate::publisher::Publisher;
use crate::publisher::signing::signature_path;
use crate::publisher::stage::manifest_path;
use crate::publisher::target::{StoredManifest, upload};
use crate::signature;
use crate::store::Upload;
use crate::{Error, Finding};

/// A manifest, and what of it and its signature has to be sent.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) manifest: Manifest,
    /// The signature first: with its manifest a release counts as staged.
    pub(super) records: Vec<Upload>,
    json: Bytes,
}

impl Publisher {
    /// The manifest at the target first, if it may stay, then those of the sources.
    pub(super) async fn candidates(
        &self,
        release: &ReleaseId,
        sources: &[RepairSource],
        report: &mut RepairReport,
    ) -> Result<Vec<Candidate>, Error> {
        let (own, problem) = self.own_candidate(release, report).await?;
        let mut candidates: Vec<Candidate> = own.into_iter().collect();
        if self.trusted_keys.is_some() && !candidates.is_empty() {
            // It is signed: there is no better one.
            return Ok(candidates);
        }
        let mut refused = problem;
        for source in sources {
            let Some((stored, signature)) = source.manifest(release).await? else { continue };
            if candidates.iter().any(|known| known.json == stored.json) {
                continue;
            }
            match self.signature_for(&stored, signature).await {
                Ok(signature) => {
                    let manifest = upload(manifest_path(release), stored.json.clone())?;
                    let records = signature.into_iter().chain([manifest]).collect();
                    let StoredManifest { manifest, json } = stored;
                    candidates.push(Candidate { manifest, records, json });
                }
                Err(error) => refused = Some(error),
            }
        }
        match refused {
            Some(error) if candidates.is_empty() => Err(error),
            _ => Ok(candidates),
        }
    }

    /// The manifest at the target, if it may stay or be written as it should be; and what is wrong
    /// with its signature.
    async fn own_candidate(
        &self,
        release: &ReleaseId,
        report: &mut RepairReport,
    ) -> Result<(Option<Candidate>, Option<Error>), Error> {
        let release = *release;
        let stored = match self.read_manifest(&release).await {
            Ok(Some(stored)) => stored,
            Ok(None) => {
                report.found.push(Finding::Missing { path: manifest_path(&release) });
                return Ok((None, None));
            }
            Err(Error::MalformedManifest { source, .. })
                if !matches!(*source, netboot_core::Error::ManifestVersion { .. }) =>
            {
                let problem = source.to_string();
                report.found.push(Finding::MalformedManifest { release, problem });
                return Ok((None, None));
            }
            Err(error) => return Err(error),
        };
        if let Some(problem) = self.signature_problem(&release, &stored).await? {
            report.found.push(Finding::Signature { release, problem });
            return Ok((None, Some(Error::Signature { release, problem })));
        }
        let json: Bytes = stored.manifest.to_json()?.into();
        let mut records = Vec::new();
        // A signature is of these bytes, and here it is not known whose: they stay.
        let may_change =
            self.trusted_keys.is_none() && self.read_signature(&release).await?.is_none();
        if may_change && json != stored.json {
            let problem = "it is not written as netboot writes it".to_owned();
            report.found.push(Finding::MalformedManifest { release, problem });
            records.push(upload(manifest_path(&release), json.clone())?);
        }
        Ok((Some(Candidate { manifest: stored.manifest, records, json }), None))
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
