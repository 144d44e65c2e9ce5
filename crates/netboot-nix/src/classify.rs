//! What the words of a failed Nix mean.
//!
//! Nix has no error codes: the texts below are those of 2.8, 2.26 and 2.34. They are looked at
//! only within their phase, and what is not known keeps its text.

mod any_phase;
mod evaluation;
mod lock;
mod realisation;
mod text;
mod warning;

pub(crate) use self::evaluation::evaluation;
pub(crate) use self::lock::lock;
pub(crate) use self::realisation::{Realising, query, realisation};
pub(crate) use self::text::derivations;
pub(crate) use self::warning::Warning;
