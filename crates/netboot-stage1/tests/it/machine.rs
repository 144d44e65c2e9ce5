//! Machines that cannot boot, and what they say.

use std::time::{Duration, Instant};

use netboot_closure::console::{ConsoleLine, FailureCause, StoreForm};

use crate::server::Server;
use crate::site::{Machine, Site};

const INDEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn wrong_kernel_parameters_are_named() {
    let cause = |line: &str| Machine::new(line).boot().failure().cause;
    assert_eq!(cause("quiet netboot.from=http://127.0.0.1/"), FailureCause::IndexParameterMissing);
    let missing = format!("netboot.index={INDEX} netboot.fromage=http://127.0.0.1/");
    assert_eq!(cause(&missing), FailureCause::SourceParameterMissing);
    for wrong in [
        "netboot.index=12",
        "netboot.from=https://127.0.0.1/",
        "netboot.from=/blobs",
        "netboot.store=floppy",
        "BOOTIF=52:54:00:12:34:56",
    ] {
        let other = if wrong.contains("from") { "" } else { "netboot.from=http://127.0.0.1:1/" };
        let cause = cause(&format!("netboot.index={INDEX} {other} {wrong}"));
        let FailureCause::ParameterMalformed { reason } = &cause else { panic!("{cause:?}") };
        let name = wrong.split('=').next().unwrap();
        assert!(reason.as_str().contains(name), "{reason}");
    }
}

/// Systemd's stub appends parameters from SMBIOS tables to the signed command line of a UKI.
#[test]
fn a_second_index_that_somebody_appended_is_refused() {
    let (site, other) = (Site::new(&[1000]), Site::new(&[2000]));
    let server = Server::honest(site.root());
    let machine = site.machine(&[&server.url()]);
    machine.add_parameter(&format!("netboot.index={}", other.index_digest));
    let cause = machine.boot().failure().cause;
    let FailureCause::ParameterMalformed { reason } = &cause else { panic!("{cause:?}") };
    assert!(reason.as_str().contains(&other.index_digest.to_string()), "{reason}");
    assert!(reason.as_str().contains("the only digest of an index"), "{reason}");
    assert_eq!(server.requests(), 0);
    // The signed one again changes nothing.
    let machine = site.machine(&[&server.url()]);
    machine.add_parameter(&format!("netboot.index={}", site.index_digest));
    machine.boot().summary();
    site.assert_complete(&machine);
}

#[test]
fn the_card_that_booted_is_waited_for() {
    let site = Site::new(&[1000]);
    let server = Server::honest(site.root());
    let machine = || {
        let machine = site.machine(&[&server.url()]).with(&["--patience", "1"]);
        machine.add_parameter("BOOTIF=01-52-54-00-AA-BB-CC");
        machine
    };

    let without_driver = machine();
    without_driver.add_interface("eth7", "52:54:00:00:00:07");
    without_driver.add_interface("lo", "00:00:00:00:00:00");
    let failure = without_driver.boot().failure();
    let FailureCause::CardMissing { wanted, interfaces } = &failure.cause else {
        panic!("{failure:?}")
    };
    assert_eq!(wanted.to_string(), "52:54:00:aa:bb:cc");
    assert_eq!(interfaces.as_str(), "eth7 (52:54:00:00:00:07)");
    assert!(failure.hint().contains("driver"), "{}", failure.hint());
    let failure = machine().boot().failure();
    let FailureCause::CardMissing { interfaces, .. } = &failure.cause else {
        panic!("{failure:?}")
    };
    assert_eq!(interfaces.as_str(), "none");

    // No interface of this name exists, so it has no IP address.
    let without_address = machine();
    without_address.add_interface("nosuchcard", "52:54:00:aa:bb:cc");
    let start = Instant::now();
    let failure = without_address.boot().failure();
    assert_eq!(failure.cause, FailureCause::AddressMissing { seconds: 1 });
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(failure.card.unwrap().to_string(), "nosuchcard 52:54:00:aa:bb:cc");
    assert_eq!(failure.address, None);
    assert_eq!(failure.available_memory, Some(8 << 30));

    // The loopback interface is a card with an address.
    let with_address = machine();
    with_address.add_interface("eth7", "52:54:00:00:00:07");
    with_address.add_interface("lo", "52:54:00:aa:bb:cc");
    with_address.boot().summary();
    site.assert_complete(&with_address);
}

#[test]
fn a_card_may_come_late() {
    let site = Site::new(&[1000]);
    let server = Server::honest(site.root());
    let machine = site.machine(&[&server.url()]);
    machine.add_parameter("BOOTIF=01-52-54-00-aa-bb-cc");
    let mut process = machine.start();
    assert_eq!(server.requests(), 0);
    machine.add_interface("lo", "52:54:00:aa:bb:cc");
    assert!(process.wait().unwrap().success());
    site.assert_complete(&machine);
}

#[test]
fn the_last_word_names_card_and_address() {
    let machine = Machine::new(&format!(
        "netboot.index={INDEX} netboot.from=http://127.0.0.1:1/ BOOTIF=01-52-54-00-aa-bb-cc"
    ))
    .with(&["--patience", "1"]);
    machine.add_interface("lo", "52:54:00:aa:bb:cc");
    let failure = machine.boot().failure();
    assert!(matches!(failure.cause, FailureCause::FetchFailed { .. }), "{failure:?}");
    assert_eq!(failure.card.unwrap().to_string(), "lo 52:54:00:aa:bb:cc");
    assert_eq!(failure.address, Some(std::net::Ipv4Addr::LOCALHOST.into()));
}

#[test]
fn memory_is_compared_before_anything_is_fetched() {
    let site = Site::new(&[1000, 5_000_000]);
    let server = Server::honest(site.root());
    let machine = site.machine(&[&server.url()]);
    machine.add_parameter("netboot.store=tmpfs");
    let outcome = machine.boot();
    let needed = outcome.lines.iter().find_map(|line| match line {
        ConsoleLine::Memory { needed, form: StoreForm::Tmpfs, .. } => Some(*needed),
        _ => None,
    });
    let needed = needed.unwrap();
    // Four connections, what the kernel keeps, and stage 2.
    let others = (40 + 64 + 200) << 20;
    assert!(needed > site.index.unpacked_bytes() + others, "{needed}");
    assert!(needed < site.index.unpacked_bytes() * 11 / 10 + others, "{needed}");

    let too_small = site.machine(&[&server.url()]);
    too_small.add_parameter("netboot.store=tmpfs");
    too_small.set_memory(needed - 100_000);
    let before = server.requests();
    let failure = too_small.boot().failure();
    let available = (needed - 100_000) / 1024 * 1024;
    let form = StoreForm::Tmpfs;
    assert_eq!(failure.cause, FailureCause::MemoryTooSmall { needed, available, form });
    assert!(failure.hint().contains("1 MiB more memory"), "{}", failure.hint());
    // Only the index was fetched.
    assert_eq!((server.requests() - before, too_small.names().len()), (1, 0));

    too_small.set_memory(needed + 1024);
    too_small.boot().summary();
    site.assert_complete(&too_small);
    // When everything is there, it needs no more.
    too_small.set_memory(needed + 1024 - site.index.unpacked_bytes());
    assert_eq!(too_small.boot().summary().from_network, file_size(&site));
    std::fs::write(too_small.store().with_file_name("meminfo"), "MemFree: 1 kB\n").unwrap();
    let failure = too_small.boot().failure();
    assert!(matches!(failure.cause, FailureCause::InputOutput { .. }), "{failure:?}");
}

fn file_size(site: &Site) -> u64 {
    std::fs::metadata(site.blob(&site.index_digest)).unwrap().len()
}

#[test]
fn arguments_are_checked() {
    let machine = || Machine::new("").with(&["--into", "/nonexistent"]);
    for (wrong, message) in [
        (["--connections", "9"], "it is not a number from 1 to 8"),
        (["--patience", "0"], "number would be zero"),
        (["--delay", "x"], "invalid digit"),
        (["--unknown", "1"], "invalid option '--unknown'"),
    ] {
        let outcome = machine().with(&wrong).boot();
        assert_eq!(outcome.status, Some(2), "{}", outcome.printed);
        assert!(outcome.printed.contains(message), "{}", outcome.printed);
    }
    let help = machine().with(&["--help"]).boot();
    assert_eq!(help.status, Some(0));
    assert!(help.printed.contains("--patience SECONDS"), "{}", help.printed);
}

#[test]
fn the_last_word_stays_for_a_while() {
    let start = Instant::now();
    let outcome = Machine::new("").with(&["--delay", "1"]).boot();
    assert_eq!(outcome.failure().cause, FailureCause::IndexParameterMissing);
    assert!(start.elapsed() >= Duration::from_secs(1));
}
