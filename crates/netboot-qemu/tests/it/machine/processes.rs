//! A boot leaves no QEMU and no file. If QEMU does not start, the error says why.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use netboot_core::{CancellationToken, Context, Event};
use netboot_qemu::{Accelerator, BootOutcome, Error, Firmware, Machine};
use netboot_testbed::{PATIENCE, TestProcess};
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::machine::site::{Site, machine};

/// Returns true if a running process has `name` in its arguments.
pub(crate) fn runs(name: &str) -> bool {
    fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let command_line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        command_line.split(|byte| *byte == 0).any(|argument| argument == name.as_bytes())
    })
}

/// A unique name for a machine.
fn unique(name: &str) -> String {
    format!("netboot-test-{name}-{}", std::process::id())
}

/// A number of seconds that no test waits for, and that no other process sleeps for.
fn endless() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    format!("9{}{:07}", NUMBER.fetch_add(1, Ordering::Relaxed), std::process::id())
}

/// A shell script that replaces QEMU.
struct Wrapper {
    _directory: TempDir,
    program: PathBuf,
}

impl Wrapper {
    /// Creates a script that consists of `prefix`, QEMU's path and the arguments.
    fn new(prefix: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let program = directory.path().join("qemu");
        let real = netboot_testbed::tool("qemu-system-x86_64");
        let script = format!("#!/bin/sh\n{prefix} {} \"$@\"\nexit $?\n", real.display());
        netboot_testbed::write_program(&program, &script);
        Self { _directory: directory, program }
    }
}

async fn wait_for_end(name: &str) {
    let begun = Instant::now();
    while runs(name) {
        assert!(begun.elapsed() < PATIENCE, "{name} still runs");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A machine that waits, and a context with its events.
fn waiting(name: &str) -> (Machine, Context, UnboundedReceiver<Event>) {
    let machine = machine(Firmware::Bios).name(name).expect("NETBOOT-NEVER").build().unwrap();
    let (sender, events) = tokio::sync::mpsc::unbounded_channel();
    (machine, Context::new().with_events(sender), events)
}

async fn first_line(events: &mut UnboundedReceiver<Event>) {
    while !matches!(events.recv().await.unwrap(), Event::Log { .. }) {}
}

#[tokio::test]
async fn a_cancelled_boot_leaves_no_machine() {
    let site = Site::with_script("#!ipxe\nsleep 600\n").await;
    let name = unique("cancelled");
    let (machine, context, mut events) = waiting(&name);
    let cancellation = CancellationToken::new();
    let context = context.with_cancellation(cancellation.clone());
    let url = site.server.url("boot.ipxe");
    let boot = tokio::spawn(async move { machine.boot(&url, &context).await });
    first_line(&mut events).await;
    assert!(runs(&name));
    cancellation.cancel();
    assert!(matches!(boot.await.unwrap(), Err(Error::Cancelled)));
    // QEMU has already ended when the error is returned.
    assert!(!runs(&name));
}

#[tokio::test]
async fn a_boot_that_was_cancelled_before_starts_nothing() {
    let cancellation = CancellationToken::new();
    cancellation.cancel();
    let context = Context::new().with_cancellation(cancellation);
    let machine = machine(Firmware::Bios).build().unwrap();
    let url = "http://127.0.0.1:9/boot.ipxe".parse().unwrap();
    assert!(matches!(machine.boot(&url, &context).await, Err(Error::Cancelled)));
}

#[tokio::test]
async fn a_dropped_boot_leaves_no_machine() {
    let site = Site::with_script("#!ipxe\nsleep 600\n").await;
    let name = unique("dropped");
    let (machine, context, mut events) = waiting(&name);
    let url = site.server.url("boot.ipxe");
    {
        let boot = machine.boot(&url, &context);
        tokio::select! {
            ended = boot => panic!("{ended:?}"),
            () = first_line(&mut events) => {}
        }
    }
    wait_for_end(&name).await;
}

#[tokio::test]
async fn a_machine_behind_a_script_ends_with_it() {
    let site = Site::with_script("#!ipxe\necho NETBOOT-HERE\nsleep 600\n").await;
    let name = unique("wrapped");
    let qemu = Wrapper::new("");
    let machine = machine(Firmware::Bios).accelerator(Accelerator::Tcg).name(&name);
    let machine = machine.qemu_program(&qemu.program).expect("NETBOOT-HERE");
    site.boot(machine, "boot.ipxe").await.ensure_success().unwrap();
    wait_for_end(&name).await;
}

/// Names the machine of the killed process, which runs this test again.
const CALLER: &str = "NETBOOT_TEST_CALLER";

#[tokio::test]
async fn a_caller_that_is_killed_leaves_no_machine() {
    if let Ok(name) = std::env::var(CALLER) {
        let site = Site::with_script("#!ipxe\nsleep 600\n").await;
        let (machine, context, mut events) = waiting(&name);
        let url = site.server.url("boot.ipxe");
        let boot = tokio::spawn(async move { machine.boot(&url, &context).await });
        first_line(&mut events).await;
        println!("\nNETBOOT-BOOTS");
        panic!("{:?}", boot.await.unwrap());
    }
    let name = unique("orphan");
    let test = "machine::processes::a_caller_that_is_killed_leaves_no_machine";
    let temporary = TempDir::new().unwrap();
    let mut caller = TestProcess::new(test)
        .env(CALLER, &name)
        // The files of the killed process are removed with this directory.
        .env("TMPDIR", temporary.path())
        .command()
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(caller.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "NETBOOT-BOOTS"));
    assert!(runs(&name));
    caller.kill().unwrap();
    caller.wait().unwrap();
    wait_for_end(&name).await;
}

#[tokio::test]
async fn a_console_that_closes_early_does_not_stop_the_clock() {
    let endless = endless();
    let qemu = Wrapper::new(&format!("exec >&-; sleep {endless}; exit;"));
    let machine = machine(Firmware::Bios).accelerator(Accelerator::Tcg);
    let machine = machine.qemu_program(&qemu.program).timeout(Duration::from_secs(1));
    let report = Site::new().await.boot(machine, "boot.ipxe").await;
    assert_eq!(report.outcome, BootOutcome::TimedOut);
    wait_for_end(&endless).await;
}

#[tokio::test]
async fn a_boot_that_is_over_leaves_no_machine_and_no_file() {
    let site = Site::with_script("#!ipxe\necho NETBOOT-HERE\nsleep 600\n").await;
    let name = unique("over");
    let report =
        site.boot(machine(Firmware::Uefi).name(&name).expect("NETBOOT-HERE"), "boot.ipxe").await;
    report.ensure_success().unwrap();
    assert!(!runs(&name));
    let variables =
        report.command_line.iter().find(|argument| argument.contains("unit=1")).unwrap();
    let (_, variables) = variables.split_once("file=").unwrap();
    assert!(!Path::new(variables).exists(), "{variables}");
    assert!(!Path::new(variables).parent().unwrap().exists(), "{variables}");
}

async fn error_of(machine: netboot_qemu::MachineBuilder) -> Error {
    let url = "http://127.0.0.1:9/boot.ipxe".parse().unwrap();
    machine.build().unwrap().boot(&url, &Context::new()).await.unwrap_err()
}

#[tokio::test]
async fn a_qemu_that_is_missing_is_named_with_its_packages() {
    for program in ["no-such-qemu", "/no/such/qemu"] {
        let error = error_of(machine(Firmware::Bios).qemu_program(program)).await;
        assert!(matches!(&error, Error::QemuMissing { .. }), "{error}");
        assert!(error.to_string().contains(program), "{error}");
        assert!(error.hint().unwrap().contains("qemu-system-x86"), "{:?}", error.hint());
    }
}

#[tokio::test]
async fn a_firmware_that_is_missing_is_named_with_its_package() {
    let error = error_of(machine(Firmware::Uefi).firmware_code("/no/such/CODE.fd")).await;
    assert!(matches!(&error, Error::FirmwareMissing { .. }), "{error}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("ovmf") && hint.contains("/no/such/CODE.fd"), "{hint}");
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_named() {
    let directory = TempDir::new().unwrap();
    let program = directory.path().join("qemu");
    fs::write(&program, "not a program").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o644)).unwrap();
    let error = error_of(machine(Firmware::Bios).qemu_program(&program)).await;
    assert!(matches!(&error, Error::Spawn { .. }), "{error}");
    assert!(error.hint().unwrap().contains("access"), "{:?}", error.hint());
}

#[tokio::test]
async fn what_qemu_says_when_it_fails_is_in_the_error() {
    // More memory than fits in the address space.
    let machine = machine(Firmware::Bios).memory_mib(u32::MAX).accelerator(Accelerator::Tcg);
    let error = error_of(machine).await;
    let Error::QemuFailed { status, stderr, arguments, .. } = &error else { panic!("{error}") };
    assert!(!status.success());
    assert!(!stderr.is_empty());
    assert!(arguments.contains(&"tcg".to_owned()));
    assert!(error.to_string().contains(stderr[0].as_str()), "{error}");
    assert!(error.hint().unwrap().contains("memory"), "{error} {:?}", error.hint());
}

#[tokio::test]
async fn the_accelerator_that_is_reported_is_the_one_that_ran() {
    let site = Site::with_script("#!ipxe\necho NETBOOT-HERE\nsleep 600\n").await;
    let machine = machine(Firmware::Bios).expect("NETBOOT-HERE");
    let report = site.boot(machine, "boot.ipxe").await;
    report.ensure_success().unwrap();
    let used = match report.accelerator {
        Accelerator::Kvm => "kvm",
        Accelerator::Tcg => "tcg",
        other => panic!("{other} was not resolved"),
    };
    let place = report.command_line.iter().position(|argument| argument == "-accel").unwrap();
    assert_eq!(report.command_line[place + 1], used);
}

#[tokio::test]
async fn a_kvm_that_hangs_is_given_up_for_tcg() {
    let site = Site::with_script("#!ipxe\necho NETBOOT-HERE\nsleep 600\n").await;
    // Like with a broken KVM, the process runs and its guest prints nothing. The script also keeps
    // running, like a wrapper of QEMU.
    let endless = endless();
    let hangs = format!("sleep {endless}; exit");
    let qemu = Wrapper::new(&format!("case \"$*\" in *'-accel kvm'*) {hangs} ;; esac; exec"));
    let machine = machine(Firmware::Bios).qemu_program(&qemu.program).expect("NETBOOT-HERE");
    let report = site.boot(machine, "boot.ipxe").await;
    report.ensure_success().unwrap();
    assert_eq!(report.accelerator, Accelerator::Tcg);
    wait_for_end(&endless).await;
}

#[tokio::test]
async fn a_kvm_whose_guest_stops_in_its_firmware_is_given_up_for_tcg() {
    let site = Site::with_script("#!ipxe\necho NETBOOT-HERE\nsleep 600\n").await;
    // Like with a KVM that emulates what the processor cannot do: the first line comes in time.
    let endless = endless();
    let slow = format!("printf 'SeaBIOS (version 1.16.2)\\r\\n'; sleep {endless}; exit");
    let qemu = Wrapper::new(&format!("case \"$*\" in *'-accel kvm'*) {slow} ;; esac; exec"));
    let machine = machine(Firmware::Bios).qemu_program(&qemu.program).expect("NETBOOT-HERE");
    let report = site.boot(machine, "boot.ipxe").await;
    report.ensure_success().unwrap();
    assert_eq!(report.accelerator, Accelerator::Tcg);
    wait_for_end(&endless).await;
}
