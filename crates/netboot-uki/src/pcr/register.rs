//! A register of a TPM that only grows.

use netboot_core::{Sha256Digest, Sha256Hasher};

/// A platform configuration register in the SHA-256 bank. The TPM sets it to zeros when a machine
/// starts, and then only extends it: the new value is the digest of the old value and the digest
/// of what is measured (TPM 2.0 Library, Part 1, section "Extend of a PCR").
#[derive(Debug, Clone, Copy)]
pub(crate) struct Register([u8; 32]);

impl Register {
    /// The register of a machine that has just started.
    pub(crate) fn new() -> Self {
        Self([0; 32])
    }

    /// A register with this value.
    pub(crate) fn of(value: Sha256Digest) -> Self {
        Self(*value.as_bytes())
    }

    /// Measures bytes.
    pub(crate) fn measure(&mut self, bytes: &[u8]) {
        self.extend(&Sha256Digest::of(bytes));
    }

    /// Extends the register with the digest of what is measured.
    pub(crate) fn extend(&mut self, digest: &Sha256Digest) {
        let mut hasher = Sha256Hasher::new();
        hasher.update(&self.0);
        hasher.update(digest.as_bytes());
        self.0 = *hasher.finish().0.as_bytes();
    }

    /// The value.
    pub(crate) fn value(self) -> Sha256Digest {
        Sha256Digest::from_bytes(self.0)
    }
}
