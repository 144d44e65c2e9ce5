//! The one door for manifests that are read to make a release, a script, a repair or an answer.

use netboot_core::{Manifest, ReleaseId};

use crate::error::Error;
use crate::publisher::Publisher;
use crate::publisher::checks::signing::Signing;
use crate::publisher::inventory::untrusted_manifest::UntrustedManifest;
use crate::store::Store;

/// A manifest of a target that belongs to the release that was asked for and, if the publisher has
/// trusted keys, is signed by enough of them.
#[derive(Debug, Clone)]
pub(crate) struct TrustedManifest(UntrustedManifest);

impl TrustedManifest {
    /// Reads the manifest of a release and checks its version, its id and its signature.
    pub(crate) async fn read(
        store: &dyn Store,
        signing: &Signing,
        release: &ReleaseId,
    ) -> Result<Self, Error> {
        let read = UntrustedManifest::require(store, release).await?;
        signing.require(store, &read).await?;
        Ok(Self(read))
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        self.0.unchecked()
    }
}

impl Publisher {
    /// Reads the manifest of a release at the target, which lists its files and describes its
    /// images.
    ///
    /// The release's id covers everything that decides what machines boot. With
    /// [trusted keys](Self::with_trusted_keys), the manifest must also be signed, which covers the
    /// origin of the images too.
    ///
    /// # Errors
    /// [`Error::NotStaged`], [`Error::MalformedManifest`], [`Error::Signature`]; if the target
    /// cannot be reached or read.
    pub async fn manifest(&self, release: impl Into<ReleaseId>) -> Result<Manifest, Error> {
        let release = release.into();
        Ok(self.read_trusted_manifest(&release).await?.manifest().clone())
    }

    pub(crate) async fn read_trusted_manifest(
        &self,
        release: &ReleaseId,
    ) -> Result<TrustedManifest, Error> {
        TrustedManifest::read(self.store.as_ref(), &self.signing, release).await
    }
}
