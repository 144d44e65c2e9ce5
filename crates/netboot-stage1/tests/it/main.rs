//! The tests of netboot-stage1.
#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod boot;
mod mount_namespace;
mod server;
mod site;
mod store;
