//! The tests of netboot-ipxe.
#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test whose set-up fails has failed, and long runs print how much they compared"
)]

mod custom_targets;
mod dhcp;
mod dispatch;
mod golden;
mod golden_file;
mod images;
mod interchange;
mod ipxe_under_efi;
mod ipxe_usage;
mod lint;
mod lint_oracle;
mod lint_properties;
mod lint_target;
mod lint_templates;
mod machine_keys;
mod menus;
mod oracle;
mod safety;
mod script;
#[cfg(feature = "signing")]
mod signing;
mod targets;
mod templates;
mod urls;
mod values;
