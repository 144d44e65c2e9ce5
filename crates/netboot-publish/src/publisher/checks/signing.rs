//! The signers and the trusted keys of a publisher, and the check of a signature at a target.

use std::sync::Arc;

use bytes::Bytes;
use netboot_core::{Release, ReleaseId, ReleasePath, layout};

use crate::error::Error;
use crate::publisher::inventory::untrusted_manifest::{UntrustedManifest, read_signature};
use crate::signature::problem::SignatureProblem;
use crate::signature::signature_file::{self, SignatureFile};
use crate::signature::trusted_keys::TrustedKeys;
use crate::signature::{Signer, TrustedKey, trusted_comment};
use crate::store::Store;

/// The signers and the trusted keys of a publisher.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signing {
    pub(crate) signers: Vec<Arc<dyn Signer>>,
    pub(crate) trusted_keys: Option<TrustedKeys>,
}

impl Signing {
    /// Returns true if only a release that enough trusted keys signed may go live.
    pub(crate) fn is_required(&self) -> bool {
        self.trusted_keys.is_some()
    }

    /// Returns the problem of a manifest's signature at the target, if a signature is required.
    pub(crate) async fn problem(
        &self,
        store: &dyn Store,
        stored: &UntrustedManifest,
    ) -> Result<Option<SignatureProblem>, Error> {
        if !self.is_required() {
            return Ok(None);
        }
        let signatures = read_signature(store, stored.release()).await?;
        Ok(self.problem_with(stored, signatures.as_deref()))
    }

    /// Returns the problem of a manifest with these signatures, if a signature is required.
    pub(crate) fn problem_with(
        &self,
        stored: &UntrustedManifest,
        signatures: Option<&[u8]>,
    ) -> Option<SignatureProblem> {
        let keys = self.trusted_keys.as_ref()?;
        let comment = trusted_comment(stored.release());
        signature_file::check(keys, stored.json(), &comment, signatures).err()
    }

    /// The files beside a manifest that say if it is trusted.
    pub(crate) fn files(&self) -> Vec<ReleasePath> {
        self.is_required().then(layout::manifest_signature).into_iter().collect()
    }

    /// Fails if a signature is required and too few trusted keys signed this manifest.
    pub(crate) async fn require(
        &self,
        store: &dyn Store,
        stored: &UntrustedManifest,
    ) -> Result<(), Error> {
        match self.problem(store, stored).await? {
            Some(problem) => Err(Error::Signature { release: *stored.release(), problem }),
            None => Ok(()),
        }
    }

    /// Fails if a release could not go live after staging because signatures would be missing.
    pub(crate) async fn require_signable(
        &self,
        store: &dyn Store,
        release: &ReleaseId,
    ) -> Result<(), Error> {
        let Some(keys) = &self.trusted_keys else { return Ok(()) };
        if self.signs_enough() {
            return Ok(());
        }
        // Earlier publishers may have signed it.
        let stored = UntrustedManifest::find_sound(store, release).await?;
        let there = match &stored {
            Some(stored) => read_file(store, release).await?.map(|file| (file, stored.json())),
            None => None,
        };
        let comment = trusted_comment(release);
        let signs = |key: &&TrustedKey| {
            self.signers.iter().any(|signer| signer.public_key() == *key)
                || there.as_ref().is_some_and(|(file, json)| file.is_by(key, json, &comment))
        };
        let (signed, threshold) = (keys.keys().iter().filter(signs).count(), keys.threshold());
        let problem = match signed {
            _ if signed >= threshold => return Ok(()),
            0 if self.signers.is_empty() => SignatureProblem::Missing,
            0 => SignatureProblem::UntrustedKey,
            _ => SignatureProblem::TooFewKeys { signed, threshold },
        };
        Err(Error::Signature { release: *release, problem })
    }

    /// Returns true if this publisher's signatures alone make a release trusted.
    pub(crate) fn signs_enough(&self) -> bool {
        let Some(keys) = &self.trusted_keys else { return !self.signers.is_empty() };
        let signs =
            |key: &&TrustedKey| self.signers.iter().any(|signer| signer.public_key() == *key);
        keys.keys().iter().filter(signs).count() >= keys.threshold()
    }

    /// Returns true if the manifest at the target may stay in place of an equivalent one. It may
    /// not if this publisher signs or has trusted keys, and no known key signed that manifest.
    pub(crate) async fn may_stay(
        &self,
        store: &dyn Store,
        stored: &UntrustedManifest,
        release: &Release,
    ) -> Result<bool, Error> {
        let has_keys = self.is_required() || !self.signers.is_empty();
        if !has_keys || stored.json()[..] == release.manifest().to_json()? {
            return Ok(true);
        }
        let Some(file) = read_file(store, release.id()).await? else { return Ok(false) };
        let comment = trusted_comment(release.id());
        Ok(self.known_keys().iter().any(|key| file.is_by(key, stored.json(), &comment)))
    }

    /// Makes the signature file that a manifest at the target lacks: the signatures of this
    /// publisher's signers, besides the signatures that it has already.
    pub(crate) async fn missing_signature(
        &self,
        store: &dyn Store,
        release: &ReleaseId,
        json: &Bytes,
    ) -> Result<Option<Bytes>, Error> {
        let there = self.signatures_at(store, release).await?;
        self.missing_signature_beside(there.as_ref(), release, json).await
    }

    /// Reads the signatures of a manifest, if this publisher has signers.
    pub(crate) async fn signatures_at(
        &self,
        store: &dyn Store,
        release: &ReleaseId,
    ) -> Result<Option<SignatureFile>, Error> {
        if self.signers.is_empty() { Ok(None) } else { read_file(store, release).await }
    }

    /// Does the work of [`missing_signature`](Self::missing_signature) with the signatures that the
    /// target has.
    pub(crate) async fn missing_signature_beside(
        &self,
        there: Option<&SignatureFile>,
        release: &ReleaseId,
        json: &Bytes,
    ) -> Result<Option<Bytes>, Error> {
        let comment = trusted_comment(release);
        let mut new = Vec::new();
        for signer in self.missing_signers(there, json, &comment) {
            let (signer, json, comment) = (signer.clone(), json.clone(), comment.clone());
            // A signer may block: it may ask a device or a person.
            let made = netboot_core::blocking(move || signer.sign(&json, &comment)).await?;
            let malformed = |problem| Error::Signature { release: *release, problem };
            new.push(SignatureFile::parse(made.as_bytes()).map_err(malformed)?);
        }
        if new.is_empty() {
            return Ok(None);
        }
        let known = self.known_keys();
        Ok(Some(SignatureFile::with_new(there, &known, &new, json, &comment).into()))
    }

    /// Returns true if one of this publisher's signers has not signed these bytes yet.
    pub(crate) async fn lacks_signature(
        &self,
        store: &dyn Store,
        release: &ReleaseId,
        json: &Bytes,
    ) -> Result<bool, Error> {
        if self.signers.is_empty() {
            return Ok(false);
        }
        let there = read_file(store, release).await?;
        Ok(self.missing_signers(there.as_ref(), json, &trusted_comment(release)).next().is_some())
    }

    fn missing_signers(
        &self,
        there: Option<&SignatureFile>,
        json: &[u8],
        comment: &str,
    ) -> impl Iterator<Item = &Arc<dyn Signer>> {
        let signed = move |signer: &&Arc<dyn Signer>| {
            there.is_some_and(|file| file.is_by(signer.public_key(), json, comment))
        };
        self.signers.iter().filter(move |signer| !signed(signer))
    }

    /// The keys of this publisher's signers, and the trusted keys.
    pub(crate) fn known_keys(&self) -> Vec<TrustedKey> {
        let own = self.signers.iter().map(Signer::public_key);
        let trusted = self.trusted_keys.iter().flat_map(TrustedKeys::keys);
        own.chain(trusted).cloned().collect()
    }
}

/// Reads the signatures of a manifest, if there are any that can be understood.
async fn read_file(store: &dyn Store, release: &ReleaseId) -> Result<Option<SignatureFile>, Error> {
    let bytes = read_signature(store, release).await?;
    Ok(bytes.and_then(|bytes| SignatureFile::parse(&bytes).ok()))
}
