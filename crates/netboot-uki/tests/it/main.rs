//! The tests of netboot-uki.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod authenticode;
mod chains;
mod followed_hints;
mod fuzzing;
mod hostile;
mod image_uki;
mod image_uki_check;
mod image_uki_failures;
mod keys;
mod limits;
mod memory;
mod pcrs;
mod pkcs11;
mod programs;
mod signers;
mod ukify;
mod workshop;
