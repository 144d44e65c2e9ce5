//! The tests of netboot-ipxe.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod closures;
mod dhcp;
mod dispatch;
#[path = "../../../ipxe-script/tests/it/evaluator/mod.rs"]
#[allow(dead_code, reason = "tests here look at the downloads only")]
mod evaluator;
mod followed_hints;
mod golden;
mod golden_file;
mod images;
mod interchange;
mod kexec;
mod lint_templates;
mod local_disk;
mod machine_keys;
mod menus;
mod safety;
mod secure_boot;
#[cfg(feature = "signing")]
mod signing;
mod templates;
mod urls;
mod value_oracle;
mod values;
