//! The disk cache on real file systems.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use netboot_stage1::BlobCache;
use netboot_testbed::{PATIENCE, tool};

use crate::cache_disk::{CacheDisk, Found, blob, digest, find, keep, names, run};
use crate::mount_namespace::is_inside;

const MIB: usize = 1 << 20;

#[test]
fn blobs_come_back_from_each_kind_of_file_system() {
    if !is_inside("disk_cache::blobs_come_back_from_each_kind_of_file_system") {
        return;
    }
    for (kind, mebibytes) in [("ext4", 64), ("xfs", 320), ("btrfs", 128)] {
        let mut disk = CacheDisk::new(kind, mebibytes);
        let blobs = [blob(1, 1), blob(2, 4096), blob(3, 3 * MIB)];
        let (cache, told) = disk.open();
        for blob in &blobs {
            assert_eq!(find(&cache, blob), Found::Missing, "{kind}");
            assert!(keep(&cache, blob), "{kind}");
        }
        cache.finish();
        let (cache, _) = disk.open();
        for blob in &blobs {
            assert_eq!(find(&cache, blob), Found::Right, "{kind}");
            assert!(!keep(&cache, blob), "{kind}: it is there");
        }
        cache.finish();
        let mut expected: Vec<_> = blobs.iter().map(|blob| digest(blob).to_string()).collect();
        expected.sort();
        assert_eq!(disk.with_blobs(names), expected, "{kind}");
        assert_eq!(told.all(), Vec::<String>::new(), "{kind}");
        // The disk is no longer in use.
        disk.unplug();
    }
}

#[test]
fn a_blob_that_is_not_committed_leaves_nothing() {
    if !is_inside("disk_cache::a_blob_that_is_not_committed_leaves_nothing") {
        return;
    }
    let disk = CacheDisk::new("ext4", 64);
    let (cache, told) = disk.open();
    let (whole, begun) = (blob(1, MIB), blob(2, MIB));
    let mut writer = cache.writer(&digest(&begun), begun.len() as u64).unwrap();
    writer.write_all(&begun[..MIB / 2]).unwrap();
    assert!(writer.commit().is_err(), "it is too short");
    let mut writer = cache.writer(&digest(&begun), 3).unwrap();
    assert!(writer.write_all(b"four").is_err(), "it is too long");
    drop(writer);
    assert!(keep(&cache, &whole));
    // It can be begun again.
    assert!(keep(&cache, &begun));
    let third = blob(3, MIB);
    let mut writer = cache.writer(&digest(&third), third.len() as u64).unwrap();
    writer.write_all(&third).unwrap();
    drop(writer);
    cache.finish();
    assert_eq!(disk.with_blobs(names).len(), 2);
    assert_eq!(told.all(), Vec::<String>::new());
}

#[test]
fn an_index_is_found_without_its_size() {
    if !is_inside("disk_cache::an_index_is_found_without_its_size") {
        return;
    }
    let disk = CacheDisk::new("ext4", 64);
    let (cache, _) = disk.open();
    let (index, long) = (blob(1, 5000), blob(2, 50_000));
    assert!(keep(&cache, &index) && keep(&cache, &long));
    cache.finish();
    let (cache, _) = disk.open();
    let mut read = Vec::new();
    cache.open_sized(&digest(&index), 1..=10_000).unwrap().read_to_end(&mut read).unwrap();
    assert_eq!(read, index);
    assert!(cache.open_sized(&digest(&long), 1..=10_000).is_none());
    cache.finish();
}

#[test]
fn without_the_label_nothing_is_mounted_or_told() {
    if !is_inside("disk_cache::without_the_label_nothing_is_mounted_or_told") {
        return;
    }
    let disk = CacheDisk::new("ext4", 64);
    let mut options = disk.options();
    options.wait = Duration::ZERO;
    options.label.push('x');
    let (cache, told) = CacheDisk::try_open(&options);
    assert!(cache.is_none());
    assert_eq!(told.all(), Vec::<String>::new());
    options.label.truncate(1);
    assert!(CacheDisk::try_open(&options).0.is_none(), "a label is compared whole");
}

#[test]
fn a_disk_that_appears_late_is_awaited() {
    if !is_inside("disk_cache::a_disk_that_appears_late_is_awaited") {
        return;
    }
    let mut disk = CacheDisk::new("ext4", 64);
    disk.unplug();
    let mut options = disk.options();
    options.wait = Duration::from_secs(60);
    let opening = std::thread::spawn(move || CacheDisk::try_open(&options));
    disk.plug();
    let (cache, told) = opening.join().unwrap();
    let cache = cache.unwrap_or_else(|| panic!("{:?}", told.all()));
    assert!(keep(&cache, &blob(1, 10)));
    cache.finish();
}

#[test]
fn the_file_system_cannot_make_the_kernel_panic() {
    if !is_inside("disk_cache::the_file_system_cannot_make_the_kernel_panic") {
        return;
    }
    let disk = CacheDisk::new("ext4", 64);
    run(Command::new(tool("tune2fs")).args(["-e", "panic"]).arg(disk.device()));
    let (cache, _) = disk.open();
    let name = disk.device().file_name().unwrap().to_str().unwrap();
    let options = fs::read_to_string(format!("/proc/fs/ext4/{name}/options")).unwrap();
    assert!(options.lines().any(|option| option == "errors=remount-ro"), "{options}");
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains(name), "nobody else sees the mount: {mounts}");
    cache.finish();
}

#[test]
fn the_oldest_blobs_that_are_not_needed_make_room() {
    if !is_inside("disk_cache::the_oldest_blobs_that_are_not_needed_make_room") {
        return;
    }
    let disk = CacheDisk::new("ext4", 64);
    let old: Vec<_> = (0..4).map(|seed| blob(seed, MIB)).collect();
    let (cache, _) = disk.open();
    assert!(old.iter().all(|blob| keep(&cache, blob)));
    cache.finish();
    disk.with_blobs(|blobs| {
        fs::write(blobs.join("notes of the operator"), vec![0; 9 * MIB]).unwrap();
        for (age, blob) in old.iter().enumerate() {
            let days = Duration::from_secs(86_400 * (100 - age as u64));
            let file = fs::File::options().write(true).open(blobs.join(digest(blob).to_string()));
            file.unwrap().set_modified(SystemTime::now() - days).unwrap();
        }
    });
    let mut options = disk.options();
    options.budget = Some(5 * MIB as u64);
    let (cache, told) = CacheDisk::open_with(&options);
    // The oldest one is needed, and the second one was used now.
    cache.need([digest(&old[0])]);
    assert_eq!(find(&cache, &old[0]), Found::Right);
    let new: Vec<_> = (10..14).map(|seed| blob(seed, MIB)).collect();
    // One place is free, and three more can be made.
    assert!(new.iter().all(|blob| keep(&cache, blob)));
    let found: Vec<_> = old.iter().map(|blob| find(&cache, blob)).collect();
    assert_eq!(found, [Found::Right, Found::Missing, Found::Missing, Found::Missing]);
    cache.need(old.iter().chain(&new).map(|blob| digest(blob)));
    assert!(!keep(&cache, &blob(20, MIB)), "everything is needed");
    cache.finish();
    assert_eq!(told.all(), Vec::<String>::new());

    // The budget is made smaller.
    options.budget = Some(2 * MIB as u64);
    let (cache, _) = CacheDisk::open_with(&options);
    cache.need([digest(&new[3])]);
    cache.finish();
    let left = disk.with_blobs(names);
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(left.contains(&digest(&new[3]).to_string()));
    assert!(left.contains(&"notes of the operator".to_owned()));
}

#[test]
fn a_tenth_of_the_file_system_stays_free() {
    if !is_inside("disk_cache::a_tenth_of_the_file_system_stays_free") {
        return;
    }
    let disk = CacheDisk::new("ext4", 64);
    let (cache, told) = disk.open();
    let blobs: Vec<_> = (0..64).map(|seed| blob(seed, MIB)).collect();
    cache.need(blobs.iter().map(|blob| digest(blob)));
    let kept = blobs.iter().filter(|blob| keep(&cache, blob)).count();
    assert!((40..57).contains(&kept), "{kept}");
    cache.finish();
    assert_eq!(told.all(), Vec::<String>::new());
    disk.with_blobs(|blobs| {
        let state = rustix::fs::statvfs(blobs).unwrap();
        assert!(state.f_bavail * 10 >= state.f_blocks, "{}", state.f_bavail);
    });
}

/// The cost of verifying a cache, which the documentation quotes.
#[test]
fn many_connections_read_at_the_same_time() {
    if !is_inside("disk_cache::many_connections_read_at_the_same_time") {
        return;
    }
    let disk = CacheDisk::new("ext4", 256);
    let blobs: Vec<_> = (0..40).map(|seed| blob(seed, MIB)).collect();
    let (cache, told) = disk.open();
    std::thread::scope(|scope| {
        for part in blobs.chunks(10) {
            let cache = &cache;
            scope.spawn(move || assert!(part.iter().all(|blob| keep(cache, blob))));
        }
    });
    cache.finish();
    let (cache, _) = disk.open();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for part in blobs.chunks(10) {
            let cache = &cache;
            let is_right = |blob: &Vec<u8>| find(cache, blob) == Found::Right;
            scope.spawn(move || assert!(part.iter().all(is_right)));
        }
    });
    assert!(start.elapsed() < PATIENCE);
    cache.finish();
    assert_eq!(told.all(), Vec::<String>::new());
}
