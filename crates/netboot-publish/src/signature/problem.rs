//! What can be wrong with the signature of a manifest.

use std::fmt;

use serde::Serialize;

/// What is wrong with the signature of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SignatureProblem {
    /// There is none.
    Missing,
    /// The signature is no signature file of minisign, or one in its legacy format.
    Malformed,
    /// None of the trusted keys made it.
    UntrustedKey,
    /// A trusted key's signature is of other bytes: manifest or signature was changed.
    Mismatch,
    /// A trusted key signed the manifest, but the signature says that it is of another release.
    OtherRelease,
}

impl SignatureProblem {
    /// What to do about it, as a sentence for an operator.
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
            Self::Missing => "it is not signed",
            Self::Malformed => "its signature cannot be understood",
            Self::UntrustedKey => "its signature is by none of the trusted keys",
            Self::Mismatch => "its signature is not that of its manifest",
            Self::OtherRelease => "its signature is that of another release",
        })
    }
}
