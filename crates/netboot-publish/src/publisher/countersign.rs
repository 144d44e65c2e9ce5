//! Signing a release again that is at the target already.

use netboot_core::{Context, Phase, ReleaseId};

use crate::error::Error;
use crate::publisher::Publisher;
use crate::publisher::inventory::untrusted_manifest::signature_path;
use crate::publisher::uploads::upload;

impl Publisher {
    /// Adds the signatures of this publisher's signers to a staged release that is trusted
    /// already. Returns true if there was a signature to add.
    ///
    /// This keeps older releases trusted when a key is replaced: let another key sign them while
    /// the old key still counts.
    ///
    /// # Errors
    /// [`Error::NotStaged`], [`Error::MalformedManifest`]; [`Error::Signature`] if the publisher
    /// has trusted keys and too few of them signed the release; [`Error::Cancelled`]; the errors
    /// of the signers; if the target cannot be read or written.
    pub async fn countersign(
        &self,
        release: impl Into<ReleaseId>,
        context: &Context,
    ) -> Result<bool, Error> {
        let release = &release.into();
        let _phase = context.phase(Phase::Staging, None);
        context.check()?;
        let store = self.store.as_ref();
        let trusted = self.read_trusted_manifest(release).await?;
        let json = trusted.as_read().json();
        let Some(signature) = self.signing.missing_signature(store, release, json).await? else {
            return Ok(false);
        };
        store.send(vec![upload(signature_path(release), signature)?], context).await?;
        Ok(true)
    }
}
