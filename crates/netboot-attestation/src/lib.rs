//! Verifying by a quote of its TPM which system a machine booted.
//!
//! A TPM 2.0 measures in its platform configuration registers (PCRs) which programs a machine
//! starts. A *quote* is the TPM's signature of some PCRs and of a nonce. This crate verifies quotes
//! of the PCRs 4, 11 and 12 in the SHA-256 bank, and compares the PCRs with those that known
//! systems lead to. It does no input and output, and knows no clock.
//!
//! - [`AttestationKey`] is the public key of a TPM. Its digest is what an operator writes down.
//! - [`Nonces`] are single-use numbers with a short life.
//! - [`Evidence`] comes from a machine. [`Evidence::verify`] tells the [`PcrValues`] that the TPM
//!   vouches for.
//! - [`ExpectedBoot`] is a system with its PCRs. [`recognise`] finds the one that a machine runs.
//!
//! A quote proves that a TPM with this key has these PCRs. It does not prove that this TPM is in
//! the machine that sent the quote: whoever can reach the TPM of another machine can relay the
//! nonce.
//! The firmware itself, with its settings, is in PCRs that this crate does not look at (0 to 3, and
//! 7), and lying firmware can measure anything.

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod algorithm;
mod attestation_key;
mod bytes;
mod error;
mod evidence;
mod expected_boot;
mod nonces;
mod pcr_values;
mod quote;
mod signature;

pub use crate::attestation_key::AttestationKey;
pub use crate::error::{Error, Structure};
pub use crate::evidence::{Evidence, Vouched};
pub use crate::expected_boot::{ExpectedBoot, Unrecognised, recognise};
pub use crate::nonces::{Nonce, Nonces};
pub use crate::pcr_values::PcrValues;
