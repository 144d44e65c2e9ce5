//! The disk cache after a killed process, and after power cuts.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use netboot_stage1::disk_cache::DiskCache;
use netboot_testbed::is_long;
use rustix::fs::ioctl_ficlone;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::cache_disk::{CacheDisk, Found, blob, digest, find, keep, names, wait_for_end};
use crate::mount_namespace::is_inside;

/// The number of rounds of each test.
fn rounds() -> u64 {
    if is_long() { 300 } else { 8 }
}

/// A number below `limit` that differs from round to round.
fn random(seed: u64, limit: u64) -> u64 {
    let bytes = blob(seed, 8);
    u64::from_le_bytes(bytes.try_into().unwrap()) % limit
}

/// Blobs of many sizes: empty, of single pages, and of a megabyte.
fn blobs(round: u64) -> Vec<Vec<u8>> {
    let length = |number: u64| match number % 4 {
        0 => random(number, 1 << 20),
        1 => 4096 * random(number, 20),
        2 => random(number, 4096),
        _ => random(number, 100_000),
    };
    let numbers = (0..24).map(|number| round * 1000 + number);
    numbers.map(|number| blob(number, usize::try_from(length(number)).unwrap())).collect()
}

/// Kills the worker, and waits until the kernel has unmounted its file system.
fn kill(cache: &DiskCache) {
    let worker = cache.worker_id();
    kill_process(Pid::from_raw(worker.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
    wait_for_end(worker);
}

/// Keeps what the cache takes.
fn keep_all(cache: &DiskCache, blobs: &[Vec<u8>]) {
    for blob in blobs {
        keep(cache, blob);
    }
}

/// Fails unless a cache is of full use again: it has each blob right, or takes it again.
#[track_caller]
fn is_repaired(disk: &CacheDisk, blobs: &[Vec<u8>], context: &str) {
    let (cache, told) = disk.open();
    for blob in blobs {
        if find(&cache, blob) != Found::Right {
            assert!(keep(&cache, blob), "{context}: {:?}", told.all());
        }
    }
    cache.finish();
    let (cache, _) = disk.open();
    for blob in blobs {
        assert_eq!(find(&cache, blob), Found::Right, "{context}");
    }
    cache.finish();
    assert_eq!(told.all(), Vec::<String>::new(), "{context}");
    let mut expected: Vec<_> = blobs.iter().map(|blob| digest(blob).to_string()).collect();
    expected.sort();
    expected.dedup();
    assert_eq!(disk.with_blobs(names), expected, "{context}");
}

#[test]
fn a_worker_that_is_killed_leaves_only_whole_blobs() {
    if !is_inside("disk_cache_cuts::a_worker_that_is_killed_leaves_only_whole_blobs") {
        return;
    }
    for round in 0..rounds() {
        let disk = CacheDisk::new("ext4", 64);
        let blobs = blobs(round);
        let (cache, told) = disk.open();
        std::thread::scope(|scope| {
            let (cache, blobs) = (&cache, &blobs);
            scope.spawn(move || keep_all(cache, blobs));
            // From the first byte to some time after the last one.
            std::thread::sleep(Duration::from_micros(random(round, 40_000)));
            kill(cache);
        });
        cache.finish();
        assert!(told.all().len() <= 1, "{:?}", told.all());
        let (cache, _) = disk.open();
        let found: Vec<_> = blobs.iter().map(|blob| find(&cache, blob)).collect();
        assert!(!found.contains(&Found::Damaged), "round {round}: {found:?}");
        cache.finish();
        is_repaired(&disk, &blobs, &format!("round {round}"));
    }
}

/// The disk's image lies on a file system that can clone it at one moment, so that the clone has
/// what a disk has when its power is cut.
#[test]
fn a_disk_that_lost_power_is_repaired() {
    if !is_inside("disk_cache_cuts::a_disk_that_lost_power_is_repaired") {
        return;
    }
    let below = CacheDisk::new("btrfs", 1024);
    let place = TempDir::new().unwrap();
    mount(below.device(), place.path(), "btrfs", MountFlags::empty(), None).unwrap();
    for round in 0..rounds() {
        let directory = TempDir::new_in(place.path()).unwrap();
        let mut disk = CacheDisk::in_directory(directory, "ext4", 64);
        let (old, new) = (blobs(2 * round), blobs(2 * round + 1));
        let (cache, _) = disk.open();
        keep_all(&cache, &old[..8]);
        cache.finish();
        let (cache, _) = disk.open();
        let clone = disk.image().with_extension("clone");
        std::thread::scope(|scope| {
            let (cache, new) = (&cache, &new);
            scope.spawn(move || keep_all(cache, &new[..8]));
            std::thread::sleep(Duration::from_micros(random(round, 40_000)));
            let (from, to) = (File::open(disk.image()), File::create(&clone));
            ioctl_ficlone(to.unwrap(), from.unwrap()).unwrap();
        });
        kill(&cache);
        disk.unplug();
        fs::rename(clone, disk.image()).unwrap();
        disk.plug();
        // A blob that was finished before is whole.
        let (cache, _) = disk.open();
        assert!(old[..8].iter().all(|blob| find(&cache, blob) == Found::Right), "round {round}");
        cache.finish();
        let all: Vec<_> = old[..8].iter().chain(&new[..8]).cloned().collect();
        is_repaired(&disk, &all, &format!("round {round}"));
    }
    unmount(place.path(), UnmountFlags::DETACH).unwrap();
}

/// Without a flush for each blob, a file system can have files that are short or have zeros in them
/// after a power cut.
#[test]
fn files_that_were_not_written_out_are_repaired() {
    if !is_inside("disk_cache_cuts::files_that_were_not_written_out_are_repaired") {
        return;
    }
    let disk = CacheDisk::new("ext4", 64);
    for round in 0..rounds() {
        let blobs = blobs(round % 2);
        is_repaired(&disk, &[], "before");
        let (cache, _) = disk.open();
        keep_all(&cache, &blobs);
        cache.finish();
        disk.with_blobs(|directory| {
            for (number, bytes) in (0..).zip(&blobs) {
                let seed = round * 10_000 + number;
                let path = directory.join(digest(bytes).to_string());
                let file = File::options().write(true).open(path).unwrap();
                let length = bytes.len() as u64;
                let place = random(seed + 1, length.max(1));
                match random(seed, 5) {
                    0 => file.set_len(0).unwrap(),
                    1 => file.set_len(place).unwrap(),
                    2 => file.set_len(place / 4096 * 4096).unwrap(),
                    3 => {
                        let zeros = length.min(place + 4096) - place;
                        let zeros = vec![0; usize::try_from(zeros).unwrap()];
                        file.write_all_at(&zeros, place).unwrap();
                    }
                    _ => {}
                }
            }
        });
        let (cache, _) = disk.open();
        for blob in &blobs {
            // Nothing wrong is taken for right: `find` hashes, as stage 1 does.
            if find(&cache, blob) != Found::Right {
                assert!(keep(&cache, blob), "round {round}");
            }
        }
        cache.finish();
        let (cache, _) = disk.open();
        assert!(blobs.iter().all(|blob| find(&cache, blob) == Found::Right), "round {round}");
        cache.finish();
        disk.with_blobs(|directory| {
            for name in names(directory) {
                fs::remove_file(directory.join(name)).unwrap();
            }
        });
    }
}
