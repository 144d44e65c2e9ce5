//! The disk cache after a killed process, and after power cuts.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use netboot_stage1::disk_cache::DiskCache;
use rustix::process::{Pid, Signal, kill_process};

use crate::cache_disk::{CacheDisk, Found, blob, digest, find, keep, names};
use crate::mount_namespace::is_inside;

/// The number of rounds of each test.
fn rounds() -> u64 {
    if std::env::var_os("NETBOOT_LONG_TESTS").is_some() { 300 } else { 8 }
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

fn kill(cache: &DiskCache) {
    let worker = Pid::from_raw(cache.worker_id().try_into().unwrap()).unwrap();
    kill_process(worker, Signal::KILL).unwrap();
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
            scope.spawn(move || blobs.iter().for_each(|blob| drop(keep(cache, blob))));
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

/// The copy of a disk that is being written is at least as torn as the disk after a power cut.
#[test]
fn a_disk_that_lost_power_is_repaired() {
    if !is_inside("disk_cache_cuts::a_disk_that_lost_power_is_repaired") {
        return;
    }
    for round in 0..rounds() {
        let mut disk = CacheDisk::new("ext4", 32);
        let (old, new) = (blobs(2 * round), blobs(2 * round + 1));
        let (old, new) = (&old[..8], &new[..8]);
        let (cache, _) = disk.open();
        assert!(old.iter().all(|blob| keep(&cache, blob)));
        cache.finish();
        let (cache, _) = disk.open();
        let copy = disk.image().with_extension("copy");
        std::thread::scope(|scope| {
            let cache = &cache;
            scope.spawn(move || new.iter().for_each(|blob| drop(keep(cache, blob))));
            std::thread::sleep(Duration::from_micros(random(round, 40_000)));
            fs::copy(disk.image(), &copy).unwrap();
        });
        kill(&cache);
        cache.finish();
        disk.unplug();
        fs::rename(copy, disk.image()).unwrap();
        disk.plug();
        let all: Vec<_> = old.iter().chain(new).cloned().collect();
        is_repaired(&disk, &all, &format!("round {round}"));
    }
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
        blobs.iter().for_each(|blob| drop(keep(&cache, blob)));
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
