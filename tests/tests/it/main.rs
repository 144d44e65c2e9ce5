//! Tests of the whole: from a flake to a machine that boots.
#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test whose set-up fails has failed, and long runs print how far they came"
)]

mod aarch64;
mod boot;
mod boot_failures;
mod closure_address;
mod closure_boot;
mod closure_disk;
mod closure_faults;
mod closure_flake;
mod closure_large;
mod closure_memory;
mod closure_servers;
mod dhcp_answers;
mod dispatch;
mod errors;
mod firmware_entry;
mod followed_hints;
mod foreign_errors;
mod http_boot;
mod integrity;
mod kexec;
mod measured_boot;
mod memory;
mod menu;
mod next_boot_device;
mod proving;
mod pxe_chain;
mod registry_boot;
mod reports;
mod same_release;
mod script_uki;
mod secure_boot;
mod whitelist;
