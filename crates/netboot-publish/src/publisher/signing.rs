//! Signing what is staged, and trusting only what is signed.

use std::sync::Arc;

use bytes::Bytes;
use netboot_core::{Release, ReleaseId, ReleasePath, layout};

use super::Publisher;
use super::target::{StoredManifest, upload};
use crate::Error;
use crate::signature::{self, SignatureProblem, Signer, TrustedKey};
use crate::store::Upload;

impl Publisher {
    /// Sets who signs: the manifest of each release that is staged gets a detached signature,
    /// `manifest.json.minisig`, unless it has one already that this key or a trusted one made.
    /// The release and its id stay the same. A manifest that lies at the target with other
    /// explanations than the release has, and unsigned, is written anew before it is signed.
    #[must_use]
    pub fn with_signer(mut self, signer: impl Signer + 'static) -> Self {
        self.signer = Some(Arc::new(signer));
        self
    }

    /// Sets whose signatures are trusted. From then on only a release goes live, or live again,
    /// whose manifest one of these keys signed and whose scripts are, byte for byte, those that
    /// the manifest names ([`VerifyDepth::Scripts`](crate::VerifyDepth::Scripts) at least); and
    /// [`verify`](Self::verify) tells of signatures that are missing or wrong.
    ///
    /// Of kernels and initrds only the sizes are looked at, unless
    /// [`with_verification`](Self::with_verification) has them read before a release goes live.
    ///
    /// Machines do not check signatures: iPXE's own (`imgverify`) are of another kind. Whoever can
    /// write to the target can give machines what they like, until the next `verify` finds it that
    /// reads what they read ([`VerifyDepth::Content`](crate::VerifyDepth::Content)).
    #[must_use]
    pub fn with_trusted_keys(mut self, keys: impl IntoIterator<Item = TrustedKey>) -> Self {
        self.trusted_keys = Some(keys.into_iter().collect());
        self
    }

    /// Fails unless a trusted key signed this manifest, if it has to be signed.
    pub(super) async fn require_signature(
        &self,
        release: &ReleaseId,
        stored: &StoredManifest,
    ) -> Result<(), Error> {
        match self.signature_problem(release, stored).await? {
            Some(problem) => Err(Error::Signature { release: *release, problem }),
            None => Ok(()),
        }
    }

    /// What is wrong with the signature of a manifest at the target, if it has to be signed.
    pub(super) async fn signature_problem(
        &self,
        release: &ReleaseId,
        stored: &StoredManifest,
    ) -> Result<Option<SignatureProblem>, Error> {
        let Some(keys) = &self.trusted_keys else { return Ok(None) };
        let signature = self.read_signature(release).await?;
        Ok(signature::check(keys, release, &stored.json, signature.as_deref()).err())
    }

    /// Fails if a release would be staged and could then not go live, for want of a signature.
    pub(super) async fn require_signable(&self, release: &Release) -> Result<(), Error> {
        let Some(keys) = &self.trusted_keys else { return Ok(()) };
        let problem = match &self.signer {
            Some(signer) if keys.contains(signer.public_key()) => return Ok(()),
            Some(_) => SignatureProblem::UntrustedKey,
            None => SignatureProblem::Missing,
        };
        // Who staged it before may have signed it.
        if let Some(stored) = self.manifest_of(release).await?
            && self.signature_problem(release.id(), &stored).await?.is_none()
        {
            return Ok(());
        }
        Err(Error::Signature { release: *release.id(), problem })
    }

    /// Whether the manifest at the target may stay in place of another with the same promises:
    /// always, unless it is to be signed, and nobody known did so.
    pub(super) async fn may_stay(
        &self,
        stored: &StoredManifest,
        release: &Release,
    ) -> Result<bool, Error> {
        if self.signer.is_none() || stored.json[..] == release.manifest().to_json()? {
            return Ok(true);
        }
        self.is_signed(release.id(), &stored.json).await
    }

    /// The signature that a manifest at the target lacks, if this publisher signs.
    pub(super) async fn missing_signature(
        &self,
        release: &ReleaseId,
        json: &Bytes,
    ) -> Result<Option<Upload>, Error> {
        let Some(signer) = self.signer.clone() else { return Ok(None) };
        if !self.lacks_signature(release, json).await? {
            return Ok(None);
        }
        let (json, comment) = (json.clone(), signature::trusted_comment(release));
        // A signer may ask a device, or a person.
        let signing = tokio::task::spawn_blocking(move || signer.sign(&json, &comment));
        let signature = signing.await.map_err(|_| Error::Cancelled)??;
        Ok(Some(upload(signature_path(release), signature.into())?))
    }

    /// Whether these bytes are still to be signed by this publisher.
    pub(super) async fn lacks_signature(
        &self,
        release: &ReleaseId,
        json: &Bytes,
    ) -> Result<bool, Error> {
        Ok(self.signer.is_some() && !self.is_signed(release, json).await?)
    }

    /// Whether this publisher's signer or a trusted key signed these bytes.
    async fn is_signed(&self, release: &ReleaseId, json: &Bytes) -> Result<bool, Error> {
        let own = self.signer.iter().map(Signer::public_key);
        let trusted = self.trusted_keys.iter().flat_map(|keys| keys.iter());
        let keys: Vec<TrustedKey> = own.chain(trusted).cloned().collect();
        let signature = self.read_signature(release).await?;
        Ok(signature::check(&keys, release, json, signature.as_deref()).is_ok())
    }

    pub(super) async fn read_signature(&self, release: &ReleaseId) -> Result<Option<Bytes>, Error> {
        let document = self.store.read(&signature_path(release)).await?;
        Ok(document.map(|document| document.bytes))
    }
}

pub(super) fn signature_path(release: &ReleaseId) -> ReleasePath {
    layout::in_release(release, &layout::manifest_signature())
}
