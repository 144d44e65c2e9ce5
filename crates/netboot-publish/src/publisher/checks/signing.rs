//! The signer and the trusted keys of a publisher, and the check of a signature at a target.

use std::sync::Arc;

use bytes::Bytes;
use netboot_core::{Release, ReleaseId};

use crate::error::Error;
use crate::publisher::inventory::stored_manifest::{StoredManifest, read_signature};
use crate::signature::problem::SignatureProblem;
use crate::signature::{self, Signer, TrustedKey};
use crate::store::Store;

/// The signer and the trusted keys of a publisher.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signing {
    pub(crate) signer: Option<Arc<dyn Signer>>,
    pub(crate) trusted_keys: Option<Arc<[TrustedKey]>>,
}

impl Signing {
    /// Returns true if only a release that a trusted key signed may go live.
    pub(crate) fn is_required(&self) -> bool {
        self.trusted_keys.is_some()
    }

    /// Returns the problem of a manifest's signature at the target, if a signature is required.
    pub(crate) async fn problem(
        &self,
        store: &dyn Store,
        stored: &StoredManifest,
    ) -> Result<Option<SignatureProblem>, Error> {
        let Some(keys) = &self.trusted_keys else { return Ok(None) };
        let release = stored.manifest.release();
        let signature = read_signature(store, release).await?;
        Ok(signature::check(keys, release, &stored.json, signature.as_deref()).err())
    }

    /// Fails if a signature is required and no trusted key signed this manifest.
    pub(crate) async fn require(
        &self,
        store: &dyn Store,
        stored: &StoredManifest,
    ) -> Result<(), Error> {
        match self.problem(store, stored).await? {
            Some(problem) => Err(Error::Signature { release: *stored.manifest.release(), problem }),
            None => Ok(()),
        }
    }

    /// Fails if a release could not go live after staging because its signature would be missing.
    pub(crate) async fn require_signable(
        &self,
        store: &dyn Store,
        release: &ReleaseId,
    ) -> Result<(), Error> {
        let Some(keys) = &self.trusted_keys else { return Ok(()) };
        let problem = match &self.signer {
            Some(signer) if keys.contains(signer.public_key()) => return Ok(()),
            Some(_) => SignatureProblem::UntrustedKey,
            None => SignatureProblem::Missing,
        };
        // An earlier publisher may have signed it.
        if let Some(stored) = StoredManifest::find_sound(store, release).await?
            && self.problem(store, &stored).await?.is_none()
        {
            return Ok(());
        }
        Err(Error::Signature { release: *release, problem })
    }

    /// Returns true if the manifest at the target may stay in place of an equivalent one. It may
    /// not if this publisher signs and no known key signed that manifest.
    pub(crate) async fn may_stay(
        &self,
        store: &dyn Store,
        stored: &StoredManifest,
        release: &Release,
    ) -> Result<bool, Error> {
        if self.signer.is_none() || stored.json[..] == release.manifest().to_json()? {
            return Ok(true);
        }
        self.is_signed(store, release.id(), &stored.json).await
    }

    /// Makes the signature that a manifest at the target lacks, if this publisher signs.
    pub(crate) async fn missing_signature(
        &self,
        store: &dyn Store,
        release: &ReleaseId,
        json: &Bytes,
    ) -> Result<Option<Bytes>, Error> {
        let Some(signer) = self.signer.clone() else { return Ok(None) };
        if !self.lacks_signature(store, release, json).await? {
            return Ok(None);
        }
        let (json, comment) = (json.clone(), signature::trusted_comment(release));
        // A signer may block: it may ask a device or a person.
        let signature = netboot_core::blocking(move || signer.sign(&json, &comment)).await?;
        Ok(Some(signature.into()))
    }

    /// Returns true if this publisher signs and has not signed these bytes yet.
    pub(crate) async fn lacks_signature(
        &self,
        store: &dyn Store,
        release: &ReleaseId,
        json: &Bytes,
    ) -> Result<bool, Error> {
        Ok(self.signer.is_some() && !self.is_signed(store, release, json).await?)
    }

    /// Returns true if this publisher's signer or a trusted key signed these bytes.
    async fn is_signed(
        &self,
        store: &dyn Store,
        release: &ReleaseId,
        json: &Bytes,
    ) -> Result<bool, Error> {
        let own = self.signer.iter().map(Signer::public_key);
        let trusted = self.trusted_keys.iter().flat_map(|keys| keys.iter());
        let keys: Vec<TrustedKey> = own.chain(trusted).cloned().collect();
        let signature = read_signature(store, release).await?;
        Ok(signature::check(&keys, release, json, signature.as_deref()).is_ok())
    }
}
