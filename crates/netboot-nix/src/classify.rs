//! Finds the cause of a failure in Nix's messages.
//!
//! Nix has no error codes, so the messages of Nix 2.8, 2.26 and 2.34 are compared with known texts,
//! by phase. An unknown message is kept as it is.

mod any_phase;
mod code;
pub(crate) mod evaluation;
mod flake_files;
mod git;
pub(crate) mod lock;
mod nixpkgs;
pub(crate) mod realisation;
mod source;
pub(crate) mod text;
pub(crate) mod warning;
