//! The tests of the examples.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod embed;
mod netboot_program;
mod other_examples;
mod plasmacloud;
mod publishing;
mod runbook;
