//! The tests of netboot-stage1.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod boot;
mod boot_disk;
mod cache_disk;
mod disk_cache;
mod disk_cache_cuts;
mod disk_cache_faults;
mod faults;
mod followed_hints;
mod index;
mod machine;
mod mount_namespace;
mod program;
mod report;
mod restart;
mod server;
mod site;
mod store;
