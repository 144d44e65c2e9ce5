//! The errors of this crate.

use std::fmt;

use netboot_core::{BackendError, ErrorClass, Sha256Digest};

/// A structure of a TPM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Structure {
    /// The public area of the attestation key.
    Key,
    /// The message that the TPM signed.
    Quote,
    /// The signature.
    Signature,
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "attestation key",
            Self::Quote => "quote",
            Self::Signature => "signature",
        })
    }
}

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not a structure of a TPM, or one that cannot be used.
    #[error("the {structure} cannot be used: {problem}")]
    Unusable {
        /// The structure.
        structure: Structure,
        /// The fault, as a clause about the structure, which is "it".
        problem: &'static str,
    },
    /// A structure is larger than it can be.
    #[error("the {structure} has more than {limit} bytes")]
    TooLarge {
        /// The structure.
        structure: Structure,
        /// The greatest size in bytes.
        limit: usize,
    },
    /// The key is not the one of the machine.
    #[error("the attestation key has the digest {found}, and the machine's has {expected}")]
    UnknownKey {
        /// The digest of the key that the machine sent.
        found: Sha256Digest,
        /// The digest of the machine's key.
        expected: Sha256Digest,
    },
    /// The key did not sign the quote.
    #[error("the signature of the quote is not by the attestation key")]
    WrongSignature,
    /// The quote has no nonce that counts: none was given out, it was used before, or it is too
    /// old.
    #[error("the nonce of the quote was not given out to this machine, or no longer counts")]
    OldNonce,
    /// The values of the PCRs are not those that the TPM signed.
    #[error("the TPM signed other values of the PCRs than those beside the quote")]
    OtherPcrs,
    /// So many machines wait with a nonce that no more can get one.
    #[error("no further machine gets a nonce now: the limit is {limit}")]
    TooManyNonces {
        /// The greatest number.
        limit: usize,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandomness,
}

impl Error {
    pub(crate) fn unusable(structure: Structure, problem: &'static str) -> Self {
        Self::Unusable { structure, problem }
    }
}

impl BackendError for Error {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unusable { .. } | Self::TooLarge { .. } => {
                "make the key with `tpm2_createak -G rsa -g sha256 -s rsassa`, and quote with \
                 `tpm2_quote -l sha256:4,11,12 -g sha256`"
            }
            Self::UnknownKey { found, .. } => {
                return Some(format!(
                    "if the machine has a new TPM or key, enrol its digest {found}; otherwise find \
                     out who sent the quote"
                ));
            }
            Self::WrongSignature => "quote with the key whose public area is sent along",
            Self::OldNonce => "ask for a new nonce, and quote with it at once",
            Self::OtherPcrs => "read the PCRs and quote at a moment when nothing extends them",
            Self::TooManyNonces { .. } => "wait until their nonces have expired, and ask again",
            Self::NoRandomness => return None,
        };
        Some(hint.to_owned())
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Unusable { .. } | Self::TooLarge { .. } => ErrorClass::Input,
            Self::UnknownKey { .. } | Self::WrongSignature => ErrorClass::Damaged,
            Self::OldNonce | Self::OtherPcrs | Self::TooManyNonces { .. } => ErrorClass::Conflict,
            Self::NoRandomness => ErrorClass::Equipment,
        }
    }
}
