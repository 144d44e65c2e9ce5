//! The tests of the crate: real requests to real servers.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test whose set-up fails has failed"
)]

mod faulty;
mod followed_hints;
mod limits;
mod running;
mod stopping;
mod store_faults;
mod view;
mod view_failures;
