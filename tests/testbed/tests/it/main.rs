//! The tests of the test bed.
#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod long_line;
mod registry;
mod reserved_port;
mod s3_server;
mod set_up;
mod test_flake;
