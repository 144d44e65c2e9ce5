//! The tests of the deployer.
#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test whose set-up fails has failed, and long runs print how far they came"
)]

mod altered_release;
mod api;
mod attestation;
mod boot;
mod child_environment;
mod clients;
mod closure_configuration;
mod closure_load;
mod closure_reports;
mod closure_site;
mod crash;
mod cross_site;
mod documents;
mod event_streams;
mod followed_hints;
mod hostile_directory;
mod ipxe;
mod job_ends;
mod jobs;
mod logins;
mod machines;
mod other_publishers;
mod page;
mod page_updates;
mod published;
mod service;
mod signing;
mod small_release;
mod spoofing;
mod state;
mod target_views;
mod whole;
