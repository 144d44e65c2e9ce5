//! The program `netboot`, by its real binary.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod activate;
mod boot;
mod boot_signals;
mod build;
mod build_answers;
mod completions;
mod configuration;
mod export;
mod fleet;
mod followed_hints;
mod frame;
mod help;
mod image;
mod interrupted;
mod lint;
mod list;
mod man;
mod matrix;
mod place;
mod progress;
mod prune;
mod publish;
mod reference;
mod repair;
mod rollback;
mod round_trip;
mod schema;
mod schema_page;
mod signing;
mod size;
mod sleeping_flake;
mod terminal;
mod treemap;
mod verify;
mod workplace;
