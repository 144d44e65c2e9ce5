//! The tests of what the tests stand on.
#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod s3_server;
mod set_up;
mod test_flake;
