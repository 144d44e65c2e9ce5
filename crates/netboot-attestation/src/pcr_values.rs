//! The values of the PCRs that are looked at.

use netboot_core::Sha256Digest;

/// The values of the PCRs 4, 11 and 12 in the SHA-256 bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PcrValues([Sha256Digest; 3]);

impl PcrValues {
    /// The numbers of the PCRs.
    pub const NUMBERS: [u8; 3] = [4, 11, 12];

    /// The bits of the PCRs, eight in each byte.
    pub(crate) const SELECTION: [u8; 3] = [1 << 4, 1 << (11 - 8) | 1 << (12 - 8), 0];

    /// The values in the order of their numbers.
    pub fn new(pcr_4: Sha256Digest, pcr_11: Sha256Digest, pcr_12: Sha256Digest) -> Self {
        Self([pcr_4, pcr_11, pcr_12])
    }

    /// The values in the order of [`NUMBERS`](Self::NUMBERS).
    pub fn values(&self) -> [Sha256Digest; 3] {
        self.0
    }

    /// The digest of the values one after another, which a TPM signs (TPM 2.0 Library, Part 3,
    /// section `TPM2_Quote`).
    pub(crate) fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(&self.0.map(|value| *value.as_bytes()).concat())
    }
}
