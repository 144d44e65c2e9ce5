//! The tests of netboot-attestation.
#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod hostile;
mod nonces;
mod quotes;
mod recognising;
mod software_tpm;
