//! Each hint works when it is followed: a test meets the failure, does what the hint says, and
//! then boots.

mod kernels;
mod programs;
mod scripts;
mod settings;
mod systems;
mod urls;

use std::time::Duration;

use netboot_core::Context;
use netboot_qemu::{BootReport, Error, MachineBuilder};
use url::Url;

/// A script that shows that a machine boots.
pub(crate) const GOOD: &str = "#!ipxe\necho NETBOOT-HERE\nsleep 600\n";

/// Checks that the remedy of an error contains these words.
pub(crate) fn assert_hint(error: &Error, words: &str) {
    let hint = error.hint().unwrap_or_default();
    assert!(hint.contains(words), "{error}\n  what to do: {hint}");
}

pub(crate) async fn boot(machine: MachineBuilder, url: &Url) -> Result<BootReport, Error> {
    machine.build()?.boot(url, &Context::new()).await
}

/// Boots to the end, and returns the error of a boot that failed.
pub(crate) async fn failure(machine: MachineBuilder, url: &Url) -> (BootReport, Error) {
    let report = boot(machine, url).await.unwrap();
    println!("{}", report.console);
    let error = report.ensure_success().unwrap_err();
    (report, error)
}

/// Boots a machine that must come up. Returns a time that is enough for a machine to come as far,
/// also if this computer is busier then.
pub(crate) async fn assert_boots(machine: MachineBuilder, url: &Url) -> Duration {
    let report = boot(machine, url).await.unwrap();
    report.ensure_success().unwrap();
    report.duration * 3 + Duration::from_secs(2)
}
