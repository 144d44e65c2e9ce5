//! Signing a release again that is at the target already.

use netboot_core::{Context, Phase, ReleaseId};

use crate::error::Error;
use crate::publisher::Publisher;
use crate::publisher::inventory::untrusted_manifest::{UntrustedManifest, signature_path};
use crate::publisher::uploads::upload;
use crate::signature::problem::SignatureProblem;

impl Publisher {
    /// Adds the signatures of this publisher's signers to a staged release. Returns true if there
    /// was a signature to add.
    ///
    /// If several keys have to sign, each owner signs what another one [staged](Self::stage), and
    /// looks at it first: the last signature lets the release go live. This also keeps older
    /// releases trusted when a key is replaced: let another key sign them.
    ///
    /// # Errors
    /// [`Error::NotStaged`], [`Error::MalformedManifest`]; [`Error::Signature`] if the publisher
    /// has trusted keys and none of them signed the release, or somebody changed it;
    /// [`Error::Cancelled`]; the errors of the signers; if the target cannot be read or written.
    pub async fn countersign(
        &self,
        release: impl Into<ReleaseId>,
        context: &Context,
    ) -> Result<bool, Error> {
        let release = &release.into();
        let _phase = context.phase(Phase::Staging, None);
        context.check()?;
        let store = self.store.as_ref();
        let read = UntrustedManifest::require(store, release).await?;
        match self.signing.problem(store, &read).await? {
            // The signature of another trusted key is what it lacks.
            None | Some(SignatureProblem::TooFewKeys { .. }) => {}
            Some(problem) => return Err(Error::Signature { release: *release, problem }),
        }
        let json = read.json();
        let Some(signature) = self.signing.missing_signature(store, release, json).await? else {
            return Ok(false);
        };
        store.send(vec![upload(signature_path(release), signature)?], context).await?;
        Ok(true)
    }
}
