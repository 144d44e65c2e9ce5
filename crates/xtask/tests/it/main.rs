//! The tests of the chores.
#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod book;
mod chores;
mod crates;
mod dependencies;
mod events;
mod hints;
mod imports;
mod messages;
mod sources;
