//! The interface of everything that signs programs.

use std::fmt;

use async_trait::async_trait;
use netboot_core::Context;

use crate::certificate::Certificate;
use crate::error::Error;

/// Signs EFI programs and the variables of Secure Boot with a private key.
///
/// [`KeyFile`](crate::KeyFile) has the key in a file, and
/// [`SigningCommand`](crate::SigningCommand) runs a command that reaches it. A caller can write
/// another one for the service that keeps the key. [`sign`](crate::sign()) verifies every
/// signature before it uses it.
#[async_trait]
pub trait PeSigner: fmt::Debug + Send + Sync {
    /// The certificate of the key.
    fn certificate(&self) -> &Certificate;

    /// The certificates from the issuer of [`certificate`](Self::certificate) up to one that the
    /// firmware trusts. Signatures contain them. There are none if the firmware trusts the
    /// certificate itself.
    fn chain(&self) -> &[Certificate] {
        &[]
    }

    /// Signs `message` by RSA with PKCS #1 v1.5 and SHA-256 (RFC 8017, section 8.2), and returns
    /// the signature, which is as long as the key's modulus.
    ///
    /// # Errors
    /// If the signature cannot be made.
    async fn sign(&self, message: &[u8], context: &Context) -> Result<Vec<u8>, Error>;
}

/// Signs `message`, and verifies that the certificate's key made the signature.
pub(crate) async fn checked_signature(
    signer: &dyn PeSigner,
    message: &[u8],
    context: &Context,
) -> Result<Vec<u8>, Error> {
    context.check()?;
    let signature = signer.sign(message, context).await?;
    if signer.certificate().has_signed(message, &signature) {
        Ok(signature)
    } else {
        Err(Error::WrongSignature { subject: signer.certificate().subject() })
    }
}
