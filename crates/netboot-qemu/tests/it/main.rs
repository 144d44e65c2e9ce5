//! The tests of netboot-qemu.
#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test whose set-up fails has failed, and long runs print how far they came"
)]

mod directory_server;
mod followed_hints;
mod machine;
mod secure_boot;
#[cfg(feature = "prover")]
mod store_server;
