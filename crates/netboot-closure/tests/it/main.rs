//! The tests of netboot-closure.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod boot_parameter;
mod console;
mod console_lines;
mod failure_table;
mod followed_hints;
mod fuzzing;
mod image;
mod index;
mod nar;
mod nar_info;
mod nix;
mod nix_store;
mod pack;
mod pack_clock;
mod tree;
