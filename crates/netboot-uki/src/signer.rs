//! The keys that sign programs, and the programs that keep such keys.

pub(crate) mod chain;
pub(crate) mod key_file;
pub(crate) mod pe_signer;
pub(crate) mod signing_command;
