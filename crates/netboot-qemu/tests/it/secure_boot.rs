//! Real firmware with Secure Boot runs what its keys signed, and nothing else.

mod enrolment;
pub(crate) mod keys;
mod programs;
mod refused;
pub(crate) mod signed;
