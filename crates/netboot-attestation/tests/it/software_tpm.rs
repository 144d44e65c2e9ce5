//! The PCRs and the quotes of a TPM that swtpm emulates.

use netboot_attestation::{Error, Evidence, PcrValues, Vouched};
use netboot_core::Sha256Digest;
use netboot_testbed::SoftwareTpm;

/// The PCRs now.
pub(crate) fn pcrs(tpm: &SoftwareTpm) -> PcrValues {
    let bytes = tpm.pcrs("4,11,12");
    let value = |at: usize| Sha256Digest::from_bytes(bytes[32 * at..][..32].try_into().unwrap());
    PcrValues::new(value(0), value(1), value(2))
}

/// Extends a PCR with the digest of these bytes.
pub(crate) fn measure(tpm: &SoftwareTpm, pcr: u8, bytes: &[u8]) {
    tpm.extend(pcr, &Sha256Digest::of(bytes).to_string());
}

/// Verifies the last quote.
pub(crate) fn verify(tpm: &SoftwareTpm, pcrs: PcrValues) -> Result<Vouched, Error> {
    let [key, quote, signature] = ["ak.pub", "quote.msg", "quote.sig"].map(|name| tpm.read(name));
    Evidence { key: &key, quote: &quote, signature: &signature, pcrs }.verify()
}
