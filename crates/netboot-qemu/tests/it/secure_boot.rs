//! Real firmware with Secure Boot runs what its keys signed, and nothing else.

mod keys;
mod programs;
mod refused;
mod signed;
