//! The problems that a signature can have.

use std::fmt;

use serde::Serialize;

/// A problem of a manifest's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SignatureProblem {
    /// There is no signature.
    Missing,
    /// The file is not a minisign signature, or has minisign's legacy format.
    Malformed,
    /// No trusted key made the signature.
    UntrustedKey,
    /// A trusted key made the signature, but for other bytes: somebody changed the manifest or the
    /// signature.
    Mismatch,
    /// Some trusted keys made signatures, but fewer than the threshold.
    TooFewKeys {
        /// The number of trusted keys that signed.
        signed: usize,
        /// The number of trusted keys that have to sign.
        threshold: usize,
    },
    /// A trusted key signed the manifest, but the signature names another release.
    OtherRelease,
}

impl SignatureProblem {
    /// Tells an operator what to do about the problem, in a sentence.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Missing => "stage the release again with its signer, or sign it with minisign",
            Self::Malformed => {
                "sign the release again, in minisign's format for prehashed files: `minisign -SH`"
            }
            Self::UntrustedKey => {
                "trust the public key of whoever signed it, if that is who should sign releases, \
                 or stage the release again with a trusted signer"
            }
            Self::TooFewKeys { .. } => {
                "let another trusted key sign the release, then activate it: \
                 `Publisher::countersign` signs what is at the target, and `Publisher::stage` \
                 brings it there"
            }
            Self::Mismatch | Self::OtherRelease => {
                "somebody changed the manifest or its signature: do not boot it; find out who can \
                 write to the target, and stage the release again from its source"
            }
        }
    }
}

impl fmt::Display for SignatureProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::TooFewKeys { signed, threshold } => {
                return write!(
                    f,
                    "{signed} of the {threshold} trusted keys that have to sign it did so"
                );
            }
            Self::Missing => "it is not signed",
            Self::Malformed => "its signature cannot be understood",
            Self::UntrustedKey => "no trusted key made its signature",
            Self::Mismatch => "its signature does not match its manifest",
            Self::OtherRelease => "its signature belongs to another release",
        })
    }
}
