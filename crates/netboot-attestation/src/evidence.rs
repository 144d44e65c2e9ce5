//! The message by which a machine proves which system it booted.

use netboot_core::Sha256Digest;

use crate::attestation_key::AttestationKey;
use crate::error::Error;
use crate::nonces::Nonce;
use crate::pcr_values::PcrValues;
use crate::quote::Quote;
use crate::signature::Signature;

/// The message of a machine. Each part may be hostile.
///
/// # Examples
/// ```no_run
/// use netboot_attestation::{Evidence, PcrValues};
///
/// # fn verify(values: PcrValues) -> Result<(), Box<dyn std::error::Error>> {
/// let evidence = Evidence {
///     key: &std::fs::read("ak.pub")?,
///     quote: &std::fs::read("quote.msg")?,
///     signature: &std::fs::read("quote.sig")?,
///     pcrs: values,
/// };
/// let vouched = evidence.verify()?;
/// println!("the key {} vouches for {:?}", vouched.key, vouched.pcrs);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "callers make it of the four parts of a message")]
pub struct Evidence<'a> {
    /// The public area of the attestation key: `tpm2_createak --public`.
    pub key: &'a [u8],
    /// The quote: `tpm2_quote --message`.
    pub quote: &'a [u8],
    /// The signature: `tpm2_quote --signature`, in the format `tss`, which is the default.
    pub signature: &'a [u8],
    /// The values of the PCRs.
    pub pcrs: PcrValues,
}

/// The facts that the TPM with a key vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Vouched {
    /// The digest of the key. Nobody has said yet whose key it is: compare it with the one that
    /// the operator wrote down for the machine.
    pub key: Sha256Digest,
    /// The nonce. Redeem it with [`Nonces::redeem`](crate::Nonces::redeem).
    pub nonce: Nonce,
    /// The values of the PCRs.
    pub pcrs: PcrValues,
    /// The number of times that the TPM was reset. It grows with each start of the machine.
    pub reset_count: u32,
}

impl Vouched {
    /// Requires that the key is the one of the machine, by its digest.
    ///
    /// # Errors
    /// [`Error::UnknownKey`].
    pub fn require_key(&self, expected: &Sha256Digest) -> Result<(), Error> {
        if self.key == *expected {
            Ok(())
        } else {
            Err(Error::UnknownKey { found: self.key, expected: *expected })
        }
    }
}

impl Evidence<'_> {
    /// Verifies that the key signed the quote, and that the quote is of the values of the PCRs.
    /// This says nothing about the key and the nonce yet.
    ///
    /// # Errors
    /// [`Error::Unusable`], [`Error::TooLarge`], [`Error::WrongSignature`], [`Error::OldNonce`] for
    /// data that no [`Nonce`] is, [`Error::OtherPcrs`].
    pub fn verify(&self) -> Result<Vouched, Error> {
        let key = AttestationKey::parse(self.key)?;
        let quote = Quote::parse(self.quote)?;
        if !key.has_signed(self.quote, &Signature::parse(self.signature)?) {
            return Err(Error::WrongSignature);
        }
        if quote.pcrs != self.pcrs.digest() {
            return Err(Error::OtherPcrs);
        }
        let nonce = Nonce::from_bytes(quote.extra.try_into().map_err(|_| Error::OldNonce)?);
        let (pcrs, reset_count) = (self.pcrs, quote.reset_count);
        Ok(Vouched { key: key.digest(), nonce, pcrs, reset_count })
    }
}
