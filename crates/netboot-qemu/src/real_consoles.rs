//! Consoles of machines that did not come up. systemd 262 wrote them in QEMU, with NixOS's names in
//! `/etc/os-release` and `/etc/initrd-release` and with `loglevel=4`, as NixOS sets it.

use std::time::Duration;

use crate::boot_cause;
use crate::boot_outcome::BootOutcome;
use crate::boot_stage::BootStage;
use crate::expectations::Expectations;
use crate::firmware::Firmware;
use crate::system_messages::system_hint;
use crate::terminal::{Shown, Terminal};
use crate::watcher::Watcher;

/// The initrd waits for a root device that the machine does not have.
const MISSING_DEVICE: &[u8] = include_bytes!("../tests/consoles/missing-device.txt");
/// The system cannot register its store paths.
const REGISTRATION: &[u8] = include_bytes!("../tests/consoles/registration.txt");

/// Watches a console that arrives in parts of this size. Returns its text and the watcher.
fn watch(console: &[u8], part: usize) -> (String, Watcher) {
    let markers = vec!["login:".to_owned()];
    let expectations = Expectations { markers, ..Expectations::default() };
    let mut watcher = Watcher::new(expectations, "http://10.0.2.2/boot", None);
    let mut terminal = Watcher::terminal(Firmware::Bios);
    let mut take = |terminal: &mut Terminal, shown: Shown<'_>| {
        watcher.take(shown, Duration::ZERO, terminal);
    };
    for part in console.chunks(part) {
        terminal.feed(part, &mut take);
    }
    (watcher.take_transcript(), watcher)
}

/// Checks the outcome, and returns the line of the cause.
fn check(console: &[u8], outcome: &str, stage: &str) -> Option<String> {
    let (whole, _) = watch(console, console.len());
    for part in [1, 7, 100, console.len()] {
        let (text, watcher) = watch(console, part);
        assert_eq!(text, whole, "divided at multiples of {part}");
        assert!(
            matches!(&watcher.outcome, Some(BootOutcome::SystemFailed { line }) if line == outcome),
            "divided at multiples of {part}: {:?}",
            watcher.outcome
        );
        assert_eq!(watcher.reached(), BootStage::InitReached);
        assert_eq!(watcher.missing(), ["login:"]);
    }
    assert!(whole.lines().any(|line| line == stage), "{whole}");
    let end = whole.find(outcome).unwrap() + outcome.len();
    let lines: Vec<&str> = whole[..end].lines().collect();
    boot_cause::find(&lines, true).map(str::to_owned)
}

#[test]
fn a_missing_root_device_ends_the_boot_with_its_name() {
    let cause = check(
        MISSING_DEVICE,
        "[  OK  ] Reached target emergency.target - Emergency Mode.",
        "Booting initrd of NixOS 26.11 (Zokor).",
    );
    let cause = cause.unwrap();
    assert!(cause.ends_with("/dev/disk/by-label/nixos."), "{cause}");
    assert!(boot_cause::hint(&cause).unwrap().contains("`root=`"));
}

#[test]
fn a_store_that_cannot_be_registered_ends_the_boot() {
    let failed = "[FAILED] Failed to start register-nix-paths.service.";
    let cause = check(REGISTRATION, failed, "Welcome to NixOS 26.11 (Zokor)!");
    assert_eq!(cause, None);
    assert!(system_hint(&[failed]).contains("nix-path-registration"));
}
