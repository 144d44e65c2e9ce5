//! Detached signatures that iPXE's `imgverify` accepts, for an iPXE that was built with
//! `IMAGE_TRUST_CMD` and a certificate to trust.
//!
//! A signature is a CMS message in DER without attributes, because `src/crypto/cms.c` of iPXE reads
//! no others. The certificate of its signer must be for code signing. The signature becomes a blob
//! of the release, and the script of an image verifies each file before it starts anything: see
//! [`RendererBuilder::signatures`](crate::RendererBuilder::signatures).
//!
//! Scripts verify kernels and initrds, but nothing verifies the scripts. iPXE runs the script of
//! any server that answers, unless a script that is embedded in iPXE verifies the first one. If
//! somebody might answer in place of your server, use HTTPS or embed such a script.
//!
//! ```no_run
//! use netboot_core::{Context, Image};
//! use netboot_ipxe::Renderer;
//! use netboot_ipxe::signing::{OpensslSigner, sign};
//!
//! # async fn release(images: Vec<Image>) -> Result<(), netboot_ipxe::Error> {
//! let signer = OpensslSigner::open("signer.crt", "signer.key", "ca.crt").await?;
//! let payload = images.iter().flat_map(Image::payload).cloned();
//! let signatures = sign(&signer, payload, &Context::new()).await?;
//! let release = Renderer::builder().signatures(signatures).build()?.render_release(images)?;
//! # Ok(())
//! # }
//! ```

mod openssl;
mod signer;

use std::collections::BTreeMap;
use std::sync::Arc;

use netboot_core::{Artifact, ArtifactKind, BytesArtifact, Context, FileName, Sha256Digest};

pub use self::openssl::OpensslSigner;
pub use self::signer::Signer;
use crate::error::Error;

/// Signs each of `artifacts` once. Returns the signatures by the digest of the signed artifact.
///
/// An RSA key makes the same signature each time, so an unchanged release keeps its id. A key for
/// elliptic curves does not.
///
/// # Errors
/// The errors of [`Signer::sign`], and [`Error::Core`] if the work was cancelled.
pub async fn sign(
    signer: &dyn Signer,
    artifacts: impl IntoIterator<Item = Arc<dyn Artifact>>,
    context: &Context,
) -> Result<BTreeMap<Sha256Digest, Arc<dyn Artifact>>, Error> {
    let mut signatures: BTreeMap<Sha256Digest, Arc<dyn Artifact>> = BTreeMap::new();
    for artifact in artifacts {
        context.check()?;
        if signatures.contains_key(&artifact.sha256()) {
            continue;
        }
        let message = signer.sign(artifact.as_ref(), context).await?;
        let name = FileName::new(format!("{}.sig", artifact.file_name()))?;
        let signature = BytesArtifact::new(ArtifactKind::Signature, name, message)?;
        signatures.insert(artifact.sha256(), Arc::new(signature));
    }
    Ok(signatures)
}
