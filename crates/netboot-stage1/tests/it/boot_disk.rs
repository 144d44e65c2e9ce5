//! Boots with a disk cache, and with a store on zram.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use netboot_closure::console::{ConsoleLine, FailureCause, StoreForm, Warning};
use rustix::mount::{UnmountFlags, unmount};

use crate::cache_disk::CacheDisk;
use crate::mount_namespace::is_inside;
use crate::server::Server;
use crate::site::{Machine, Outcome, Site};

/// A machine with the disk, that boots this closure.
fn machine(site: &Site, server: &Server, disk: &CacheDisk) -> Machine {
    let machine = site.machine(&[&server.url()]);
    machine.add_parameter(&format!("netboot.store=disk netboot.cache={}", disk.label()));
    machine
}

fn warnings(outcome: &Outcome) -> Vec<&Warning> {
    let lines = outcome.lines.iter();
    lines
        .filter_map(|line| match line {
            ConsoleLine::Warning { warning } => Some(warning),
            _ => None,
        })
        .collect()
}

/// All that a machine with nothing has to get: the index and the blobs.
fn everything(site: &Site) -> u64 {
    let index = fs::metadata(site.blob(&site.index_digest)).unwrap().len();
    site.index.blob_bytes() + index
}

#[test]
fn a_second_boot_fetches_nothing_and_a_change_what_changed() {
    if !is_inside("boot_disk::a_second_boot_fetches_nothing_and_a_change_what_changed") {
        return;
    }
    let disk = CacheDisk::new("ext4", 64);
    let site = Site::new(&[3000, 2_000_000, 70_000, 10]);
    let server = Server::honest(site.root());
    let first = machine(&site, &server, &disk);
    let outcome = first.boot();
    let summary = outcome.summary();
    assert_eq!((summary.from_network, summary.from_disk), (everything(&site), 0));
    assert_eq!(warnings(&outcome), Vec::<&Warning>::new());
    let requests = server.requests();

    let second = machine(&site, &server, &disk);
    let summary = second.boot().summary();
    assert_eq!((summary.from_network, summary.from_disk), (0, everything(&site)));
    site.assert_complete(&second);
    assert_eq!(server.requests(), requests, "the server is not even asked");

    // Two paths are as before, and one is new.
    let changed = Site::new(&[3000, 2_000_000, 80_000]);
    let server = Server::honest(changed.root());
    let third = machine(&changed, &server, &disk);
    let summary = third.boot().summary();
    changed.assert_complete(&third);
    assert_eq!(server.requests(), 2, "the index and a blob");
    assert!(summary.from_network < 100_000, "{summary:?}");
    assert_eq!(summary.from_network + summary.from_disk, everything(&changed));
}

#[test]
fn what_is_damaged_on_the_disk_is_fetched_again() {
    if !is_inside("boot_disk::what_is_damaged_on_the_disk_is_fetched_again") {
        return;
    }
    let disk = CacheDisk::new("ext4", 64);
    let site = Site::new(&[3000, 2_000_000, 70_000]);
    let server = Server::honest(site.root());
    machine(&site, &server, &disk).boot().summary();
    disk.with_blobs(|blobs| {
        for digest in [site.largest().blob, site.index_digest] {
            let file = File::options().write(true).open(blobs.join(digest.to_string())).unwrap();
            file.write_at(b"X", 20).unwrap();
        }
    });
    let second = machine(&site, &server, &disk);
    let outcome = second.boot();
    let summary = outcome.summary();
    site.assert_complete(&second);
    let index = fs::metadata(site.blob(&site.index_digest)).unwrap().len();
    assert_eq!(summary.from_network, site.largest().blob_size + index);
    let damaged = Warning::CacheDamaged { path: site.largest().path.clone() };
    assert_eq!(warnings(&outcome), [&damaged]);
    // The disk is repaired.
    let third = machine(&site, &server, &disk);
    assert_eq!(third.boot().summary().from_network, 0);
}

#[test]
fn a_disk_that_is_missed_is_told() {
    if !is_inside("boot_disk::a_disk_that_is_missed_is_told") {
        return;
    }
    let site = Site::new(&[3000]);
    let server = Server::honest(site.root());
    let machine = site.machine(&[&server.url()]);
    machine.add_parameter("netboot.cache=no-such-disk");
    assert_eq!(warnings(&machine.boot()), Vec::<&Warning>::new(), "nobody asked for it");
    // The wait is longer than the patience with the network.
    let machine = site.machine(&[&server.url()]);
    let machine = machine.with(&["--disk-wait", "2", "--patience", "1"]);
    machine.add_parameter("netboot.store=disk netboot.cache=no-such-disk");
    let outcome = machine.boot();
    outcome.summary();
    let label = "no-such-disk".parse().unwrap();
    assert_eq!(warnings(&outcome), [&Warning::CacheMissing { label }]);
}

#[test]
fn a_boot_from_a_store_on_zram_is_complete() {
    if !is_inside("boot_disk::a_boot_from_a_store_on_zram_is_complete") {
        return;
    }
    let site = Site::new(&[3000, 2_000_000, 70_000]);
    let server = Server::honest(site.root());
    let machine = site.machine(&[&server.url()]);
    machine.add_parameter("netboot.store=zram");
    let outcome = machine.boot();
    outcome.summary();
    site.assert_complete(&machine);
    let is_zram =
        |line: &ConsoleLine| matches!(line, ConsoleLine::Memory { form: StoreForm::Zram, .. });
    assert!(outcome.lines.iter().any(is_zram), "{}", outcome.printed);
    crate::store::remove_zram(&machine.store());
}

#[test]
fn the_last_word_has_the_needs_of_each_form() {
    if !is_inside("boot_disk::the_last_word_has_the_needs_of_each_form") {
        return;
    }
    let site = Site::new(&[3000, 40_000_000]);
    let server = Server::honest(site.root());
    let machine = site.machine(&[&server.url()]);
    machine.set_memory(200 << 20);
    let outcome = machine.boot();
    let FailureCause::MemoryTooSmall { needed, available, form } = outcome.failure().cause else {
        panic!("{}", outcome.printed)
    };
    assert_eq!((available, form), (200 << 20, StoreForm::Zram));
    let told = warnings(&outcome);
    let [Warning::FormOfStore { reason }] = told[..] else { panic!("{}", outcome.printed) };
    let zram = format!("{} MiB on zram", needed.div_ceil(1 << 20));
    assert!(reason.to_string().contains(&zram), "{reason}");
    assert!(reason.to_string().contains("MiB as files in memory"), "{reason}");
    assert_eq!(server.requests(), 1, "only the index was fetched");
    // Nothing is mounted.
    assert!(unmount(machine.store(), UnmountFlags::empty()).is_err());
}
