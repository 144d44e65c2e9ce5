//! The protection that a pointer could lose when another one replaces it.

use std::fmt;

use super::Pointer;

/// The protection that a pointer has, and that the one in its place would not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PointerLoss {
    /// The signature. Readers with keys would refuse the new pointer.
    Signature,
    /// The best-before date. The new pointer would count for ever.
    BestBefore,
}

/// The protection that a pointer may lose because the caller said so.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AllowedLosses {
    pub(crate) signature: bool,
    pub(crate) best_before: bool,
}

impl Pointer {
    /// The best-before date, in seconds since 1970.
    pub(crate) fn best_before(&self) -> Option<u64> {
        self.stamp.as_ref().and_then(|stamp| stamp.best_before)
    }

    pub(crate) fn is_signed(&self) -> bool {
        !self.signatures.is_empty()
    }
}

impl PointerLoss {
    /// Tells an operator what to do about the loss, in a sentence.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Signature => {
                "give the publisher a signer with a trusted key (`with_signer`), or let it write \
                 unsigned pointers (`with_unsigned_pointers(true)`): readers with keys refuse them"
            }
            Self::BestBefore => {
                "say for how long the new pointer counts (`with_pointer_lifetime`), or that it \
                 counts for ever (`without_pointer_lifetime`)"
            }
        }
    }
}

impl fmt::Display for PointerLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Signature => "is signed, and the new one would not be",
            Self::BestBefore => "has a best-before date, and the new one would have none",
        })
    }
}
