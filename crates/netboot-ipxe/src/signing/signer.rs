//! The interface of everything that makes signatures.

use std::fmt;

use async_trait::async_trait;
use netboot_core::{Artifact, Context};

use crate::error::Error;

/// Makes detached signatures. [`OpensslSigner`](crate::signing::OpensslSigner) is one; a caller can
/// write another for the service that keeps the key.
#[async_trait]
pub trait Signer: fmt::Debug + Send + Sync {
    /// Signs the bytes of `artifact`, and returns the CMS message in DER.
    ///
    /// # Errors
    /// If the artifact cannot be read or the signature cannot be made.
    async fn sign(&self, artifact: &dyn Artifact, context: &Context) -> Result<Vec<u8>, Error>;
}
