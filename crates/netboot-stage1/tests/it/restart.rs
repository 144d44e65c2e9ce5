//! A program that is killed and started again.

use std::cmp::Ordering::{Equal, Greater, Less};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicUsize, Ordering};

use netboot_closure::IndexEntry;
use netboot_closure::nar::dump;
use netboot_testbed::PATIENCE;

use crate::server::{Reply, Server};
use crate::site::{Site, sha256};

/// Kills the program when it made so many requests, and starts it again.
fn kill_after(count: usize) {
    let sizes: Vec<usize> = (0..20).map(|number| 50_000 + number * 10_000).collect();
    let site = Site::new(&sizes);
    let (asked, killed) = std::sync::mpsc::channel();
    let requests = AtomicUsize::new(0);
    let dying = Server::new(site.root(), move |_| {
        let number = requests.fetch_add(1, Ordering::SeqCst) + 1;
        if number == count {
            asked.send(()).unwrap();
        }
        match number.cmp(&count) {
            Less => Reply::File,
            Equal => Reply::Cut(20_000 * (number % 2)),
            // The program gets no further, however long it lives.
            Greater => Reply::Drip(Vec::new()),
        }
    });
    let machine = site.machine(&[&dying.url()]).with(&["--connections", "2"]);
    let mut process = machine.start();
    killed.recv_timeout(PATIENCE).unwrap();
    process.kill().unwrap();
    process.wait().unwrap();

    let names = machine.names();
    let kept: Vec<&IndexEntry> = site
        .index
        .entries()
        .iter()
        .filter(|entry| names.iter().any(|name| name == entry.path.base_name()))
        .collect();
    // A store path that has its name is whole.
    for entry in &kept {
        let mut archive = Vec::new();
        dump(&machine.store().join(entry.path.base_name()), &mut archive).unwrap();
        assert_eq!(sha256(&archive), entry.nar_hash);
    }
    // The index is fetched first, and two connections have one blob each in work.
    assert!(kept.len() + 4 >= count && kept.len() < count.max(2), "{count}: {names:?}");
    assert!(!names.iter().any(|name| name == "nix-path-registration"), "{names:?}");

    let server = Server::honest(site.root());
    let line = format!("netboot.index={} netboot.from={}", site.index_digest, server.url());
    fs::write(machine.store().with_file_name("cmdline"), line).unwrap();
    assert_eq!(machine.boot().summary().paths, 20);
    assert_eq!(server.requests(), 1 + 20 - kept.len());
    site.assert_complete(&machine);
    // When all is there, only the index is fetched.
    machine.boot().summary();
    assert_eq!(server.requests(), 1 + 20 - kept.len() + 1);
    site.assert_complete(&machine);
}

#[test]
fn a_killed_program_continues_where_it_was() {
    [1, 2, 3, 7, 15, 20].into_iter().for_each(kill_after);
}

#[test]
fn damaged_store_paths_are_fetched_again() {
    let site = Site::new(&[1000, 2000, 3000]);
    let server = Server::honest(site.root());
    let machine = site.machine(&[&server.url()]);
    machine.boot().summary();
    let [first, second, third] = site.index.entries() else { panic!() };
    let place = |entry: &IndexEntry| machine.store().join(entry.path.base_name());
    let file = place(first).join("init");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&file, "other").unwrap();
    fs::remove_dir_all(place(second)).unwrap();
    fs::write(place(second), "a file").unwrap();
    fs::create_dir(machine.store().join(".partial-something")).unwrap();
    fs::write(machine.store().join(".partial-something/file"), "x").unwrap();
    let before = server.requests();
    machine.boot().summary();
    assert_eq!(server.requests() - before, 3, "{}", third.path);
    site.assert_complete(&machine);
}

#[test]
fn the_registration_comes_last() {
    let site = Site::new(&[1000, 1_500_000]);
    let largest = site.largest().blob.to_string();
    let server = Server::new(site.root(), move |request| {
        if request.target.ends_with(&largest) { Reply::Drip(Vec::new()) } else { Reply::File }
    });
    let machine = site.machine(&[&server.url()]);
    let mut process = machine.start();
    let small = site.index.entries().iter().min_by_key(|entry| entry.blob_size).unwrap();
    while !machine.store().join(small.path.base_name()).exists() {
        assert!(process.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    assert!(!machine.store().join("nix-path-registration").exists());
    process.kill().unwrap();
    let mut printed = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_to_string(&mut printed).unwrap();
    assert!(!printed.as_bytes().lines().any(|line| line.unwrap().contains("finished")));
    process.wait().unwrap();
}
