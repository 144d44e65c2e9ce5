//! What the words of a failed Nix mean.
//!
//! Nix has no error codes: the texts below are those of 2.8, 2.26 and 2.34. They are looked at
//! only within their phase, and what is not known keeps its text.

mod any_phase;
mod code;
pub(crate) mod evaluation;
pub(crate) mod lock;
pub(crate) mod realisation;
mod source;
pub(crate) mod text;
pub(crate) mod warning;
