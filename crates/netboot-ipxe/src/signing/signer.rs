//! What makes signatures.

use std::fmt;

use async_trait::async_trait;
use netboot_core::{Artifact, Context};

use crate::error::Error;

/// Makes detached signatures: [`OpensslSigner`](crate::signing::OpensslSigner), or the service of a
/// caller that keeps the key.
#[async_trait]
pub trait Signer: fmt::Debug + Send + Sync {
    /// Signs the bytes of `artifact`, and gives the CMS message in DER.
    ///
    /// # Errors
    /// When the artifact cannot be read, or the signature cannot be made.
    async fn sign(&self, artifact: &dyn Artifact, context: &Context) -> Result<Vec<u8>, Error>;
}
