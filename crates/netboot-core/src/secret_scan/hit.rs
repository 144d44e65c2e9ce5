//! A secret that a rule found in a text.

use super::kind::SecretKind;

/// A secret at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) name: &'static str,
    pub(super) kind: SecretKind,
    /// The position in the text.
    pub(super) start: usize,
    /// True for a key that is published with a program, for its tests.
    pub(super) is_known: bool,
}

impl Hit {
    pub(super) fn new(name: &'static str, kind: SecretKind, start: usize) -> Self {
        Self { name, kind, start, is_known: false }
    }

    /// A private key, encrypted or not.
    pub(super) fn key(name: &'static str, start: usize, encrypted: bool) -> Self {
        let kind = if encrypted { SecretKind::EncryptedPrivateKey } else { SecretKind::PrivateKey };
        Self::new(name, kind, start)
    }
}
