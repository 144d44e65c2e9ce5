//! Tests of the watcher with lines of real consoles.

use super::*;

#[test]
fn emergency_mode_is_a_failure_unless_it_is_allowed() {
    // The console of a NixOS with `loglevel=4`, as systemd 262 prints it.
    let lines = [
        "boot... ok",
        "\u{1b}[0;1;39mBooting initrd of NixOS 26.11 (Zokor) (Initrd).\u{1b}[0m",
        "[\u{1b}[0;1;31m TIME \u{1b}[0m] Timed out waiting for device \u{1b}[0;1;39m/dev/sda\u{1b}[0m.",
        "You are in \u{1b}[0;1;31memergency mode\u{1b}[0m. After logging in, type \"journalctl -xb\"",
        "nixos login: ",
    ];
    let markers = vec!["login:".to_owned()];
    let expectations = Expectations { markers, ..Expectations::default() };
    let watcher = watch(expectations.clone(), &lines);
    assert!(
        matches!(&watcher.outcome, Some(BootOutcome::SystemFailed { line })
            if line.starts_with("You are in emergency mode")),
        "{:?}",
        watcher.outcome
    );
    assert!(watcher.stages.contains_key(&BootStage::InitReached));
    let allowed = Expectations { allows_emergency_mode: true, ..expectations };
    assert_eq!(watch(allowed, &lines).outcome, Some(BootOutcome::Succeeded));
}

/// Feeds lines, one per second.
fn watch(expectations: Expectations, lines: &[&str]) -> Watcher {
    let mut watcher = Watcher::new(expectations, "http://10.0.2.2/boot", None);
    let mut terminal = Watcher::terminal(Firmware::Bios);
    for (second, line) in (1..).zip(lines) {
        let time = Duration::from_secs(second);
        terminal.feed(format!("{line}\r\n").as_bytes(), &mut |terminal, shown| {
            watcher.take(shown, time, terminal);
        });
    }
    watcher
}

fn stages(lines: &[&str]) -> Vec<(BootStage, u64)> {
    let watcher = watch(Expectations::default(), lines);
    watcher.stages.into_iter().skip(1).map(|(stage, time)| (stage, time.as_secs())).collect()
}

#[test]
fn files_are_told_apart_by_their_place() {
    let lines = ["http://10.0.2.2/boot... ok", "blobs/ab... ok", "blobs/cd... ok"];
    let expected = [(BootStage::Script, 1), (BootStage::Kernel, 2), (BootStage::Initrd, 3)];
    assert_eq!(stages(&lines), expected);
}

#[test]
fn files_are_told_apart_by_their_name() {
    let lines = ["boot... ok", "menu.ipxe... ok", "x/initrd?v=1... ok", "x/bzImage... ok"];
    let expected = [(BootStage::Script, 1), (BootStage::Kernel, 4), (BootStage::Initrd, 3)];
    assert_eq!(stages(&lines), expected);
}

#[test]
fn an_ipxe_that_ipxe_loads_is_no_script() {
    let lines = ["tftp://10.0.0.1/undionly.kpxe... ok", "http://10.0.0.1/x... ok"];
    assert_eq!(stages(&lines), [(BootStage::Script, 2)]);
}

#[test]
fn a_file_that_did_not_arrive_is_no_stage() {
    let lines = ["boot... ok", "blobs/ab... Connection timed out (http://ipxe.org/4c0a6092)"];
    assert_eq!(stages(&lines), [(BootStage::Script, 1)]);
}

#[test]
fn a_machine_that_fetches_forever_fills_no_report() {
    let lines: Vec<String> = (0..1000).map(|number| format!("blobs/{number}... ok")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let fetched = watch(Expectations::default(), &lines).fetched;
    assert_eq!(fetched.len(), FETCH_LIMIT);
    assert_eq!(fetched.last().unwrap().url, "blobs/999");
}

#[test]
fn a_kernel_within_a_program_comes_with_it() {
    let lines = [
        ">>Start HTTP Boot over IPv4....",
        "  URI: http://10.0.2.2/x.efi",
        "BdsDxe: loading Boot00F0 \"Netboot\" from Uri(http://10.0.2.2/x.efi)",
        "BdsDxe: starting Boot00F0 \"Netboot\" from Uri(http://10.0.2.2/x.efi)",
        "[    0.000000] Linux version 6.1.0",
    ];
    let expected = [(BootStage::Program, 4), (BootStage::Kernel, 4), (BootStage::KernelStarted, 5)];
    assert_eq!(stages(&lines), expected);
}

#[test]
fn a_kernel_that_runs_was_fetched() {
    let lines = ["boot... ok", "other.ipxe... ok", "", "[    0.000000] Linux version 6.1.0"];
    let expected = [(BootStage::Script, 1), (BootStage::Kernel, 2), (BootStage::KernelStarted, 4)];
    assert_eq!(stages(&lines), expected);
}

#[test]
fn only_an_address_is_dhcp() {
    assert_eq!(stages(&["net0: 10.0.2.15/255.255.255.0 gw 10.0.2.2"]), [(BootStage::Dhcp, 1)]);
    for line in [
        "net0: 52:54:00:12:34:56 using virtio-net on 0000:00:02.0 (open)",
        "net0: fe80::5054:ff:fe12:3456/64",
        "net0: 0.0.0.0/0.0.0.0",
        "Configuring (net0 52:54:00:12:34:56)......",
    ] {
        assert_eq!(stages(&[line]), [], "{line}");
    }
}

#[test]
fn markers_come_in_any_order_and_all_are_needed() {
    let markers = vec!["one".to_owned(), "two".to_owned()];
    let expectations = Expectations { markers, ..Expectations::default() };
    let watcher = watch(expectations.clone(), &["has two"]);
    assert_eq!((watcher.missing(), watcher.outcome), (vec!["one".to_owned()], None));
    let watcher = watch(expectations, &["has two", "has one"]);
    assert_eq!(watcher.outcome, Some(BootOutcome::Succeeded));
}

#[test]
fn without_a_marker_init_is_success() {
    let banner = "[    0.000000] Linux version 6.1.0";
    for line in
        ["[    2.1] Run /init as init process", "<<< NixOS Stage 1 >>>", "Booting initrd of NixOS."]
    {
        let watcher = watch(Expectations::default(), &["boot... ok", banner]);
        assert_eq!(watcher.outcome, None);
        let watcher = watch(Expectations::default(), &["boot... ok", banner, line]);
        assert_eq!(watcher.reached(), BootStage::InitReached);
        assert_eq!(watcher.outcome, Some(BootOutcome::Succeeded));
    }
}

#[test]
fn a_prompt_that_no_line_end_follows_is_a_failure_too() {
    let failures = vec!["password".to_owned()];
    let expectations = Expectations { failures, ..Expectations::default() };
    let mut watcher = Watcher::new(expectations, "http://10.0.2.2/boot", None);
    let mut terminal = Watcher::terminal(Firmware::Bios);
    let parts: [&[u8]; 3] = [b"Give root password", b" for maintenance: ", b"x\r\nnext\r\n"];
    for (part, expected) in parts.into_iter().zip([
        "Give root password",
        "Give root password for maintenance:",
        "Give root password for maintenance: x",
    ]) {
        let mut take = |terminal: &mut Terminal, shown: Shown<'_>| {
            watcher.take(shown, Duration::ZERO, terminal);
        };
        terminal.feed(part, &mut take);
        let line = expected.to_owned();
        assert_eq!(watcher.outcome, Some(BootOutcome::FailureSeen { line }));
    }
}

#[test]
fn a_line_with_a_marker_and_a_failure_is_a_failure() {
    let (markers, failures) = (vec!["tests".to_owned()], vec!["FAILED".to_owned()]);
    let expectations = Expectations { markers, failures, ..Expectations::default() };
    let watcher = watch(expectations, &["tests FAILED"]);
    let line = "tests FAILED".to_owned();
    assert_eq!(watcher.outcome, Some(BootOutcome::FailureSeen { line }));
}
