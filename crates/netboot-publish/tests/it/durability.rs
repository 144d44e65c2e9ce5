//! A release is on the disk before the pointer leads to it, so that a power failure loses no part
//! of a live release.
#![cfg(feature = "local")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use netboot_core::Context;
use netboot_publish::{LocalStore, Publisher};
use netboot_testbed::TestProcess;
use tempfile::TempDir;

use crate::site;

const TARGET: &str = "NETBOOT_TEST_DURABLE_TARGET";

/// Publishes a release. The other test traces this one in a process of its own.
#[tokio::test]
async fn a_process_publishes() {
    let own = TempDir::new().unwrap();
    let target = std::env::var_os(TARGET).map_or_else(|| own.path().join("target"), PathBuf::from);
    let release = site::release(own.path(), "first", 10_000).await;
    let publisher = Publisher::new(LocalStore::new(&target));
    publisher.publish(&release, &Context::new()).await.unwrap();
}

/// The calls that strace saw, in order: `fsync` of a path, and `rename` of one path to another.
enum Call {
    Sync(PathBuf),
    Rename { from: PathBuf, to: PathBuf },
}

fn parse(line: &str) -> Option<Call> {
    let (_, call) = line.split_once(' ')?;
    let call = call.trim_start();
    if call.starts_with("fsync(") || call.starts_with("fdatasync(") {
        let path = call.split_once('<')?.1.split_once('>')?.0;
        return Some(Call::Sync(path.into()));
    }
    // renameat(7</directory>, "name", 8</directory>, "name") = 0
    let mut places = call.strip_prefix("rename")?.split('<').skip(1).map(|place| {
        let (directory, rest) = place.split_once('>')?;
        Some(PathBuf::from(directory).join(rest.split('"').nth(1)?))
    });
    Some(Call::Rename { from: places.next()??, to: places.next()?? })
}

#[test]
fn every_file_and_directory_is_synced_before_the_pointer_leads_to_it() {
    let work = TempDir::new().unwrap();
    let (target, log) = (work.path().join("target"), work.path().join("strace"));
    let options = "-f -qq -y --trace=fsync,fdatasync,rename,renameat,renameat2 -o";
    let strace: Vec<&str> =
        ["strace"].into_iter().chain(options.split(' ')).chain([log.to_str().unwrap()]).collect();
    let process = TestProcess::behind(&strace, "durability::a_process_publishes");
    process.env(TARGET, &target).passes();

    let (mut synced, mut placed) = (BTreeSet::new(), BTreeSet::new());
    let pointer = target.join("current.ipxe");
    let text = fs::read_to_string(&log).unwrap();
    let mut calls = text.lines().filter_map(parse);
    let reached = calls.any(|call| match call {
        Call::Sync(path) => {
            synced.insert(path);
            false
        }
        Call::Rename { from, to } => {
            assert!(!to.starts_with(&target) || synced.contains(&from), "{}", to.display());
            let is_pointer = to == pointer;
            if !is_pointer {
                // The new name is on the disk once the directory is synced again.
                synced.remove(to.parent().unwrap());
                placed.insert(to);
            }
            is_pointer
        }
    });
    assert!(reached, "the pointer was not replaced: {text}");
    let in_target = |path: &&PathBuf| path.starts_with(&target);
    let files: Vec<&PathBuf> = placed.iter().filter(in_target).collect();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let directory = file.parent().unwrap();
        assert!(synced.contains(directory), "`{}` was not synced", directory.display());
    }
    let behind = calls.any(|call| matches!(call, Call::Sync(path) if path == target));
    assert!(behind, "the pointer itself was not synced");
}
