//! Programs are run, read and ended as the crate's documentation says.
#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod child;
mod environment;
mod killed_caller;
mod marker;
mod run;
mod stopping;
