//! The tests of ipxe-script.
#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test whose set-up fails has failed, and long runs print how much they compared"
)]

mod builds;
mod custom_builds;
mod directory_setting;
mod evaluator;
mod fuzzing;
mod ipxe_under_efi;
mod ipxe_usage;
mod lint;
mod lint_build;
mod lint_corpus;
mod lint_exits;
mod lint_hints;
mod lint_oracle;
mod lint_precision;
mod lint_properties;
mod lint_secure_boot;
mod oracle;
mod script;
