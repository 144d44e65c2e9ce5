//! The disk cache on disks that fail, and with hostile content.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{FileExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use netboot_stage1::BlobCache;
use netboot_testbed::tool;
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::cache_disk::{
    CacheDisk, Found, Told, blob, digest, find, keep, keep_in_place, names, run, wait_for_end,
    wait_until,
};
use crate::mount_namespace::is_inside;

const MIB: usize = 1 << 20;

/// How long a test waits for a worker that hangs.
const PATIENCE: Duration = Duration::from_secs(3);

/// Does what does not wait for a worker that was given up. A busy machine makes it slow now and
/// then, but a worker that hangs is awaited for [`PATIENCE`] every time.
fn nobody_is_awaited(act: impl Fn()) {
    let begin = Instant::now();
    let took = || {
        let start = Instant::now();
        act();
        start.elapsed()
    };
    while took() >= PATIENCE {
        assert!(begin.elapsed() < netboot_testbed::PATIENCE, "the worker is asked again");
    }
}

#[test]
fn hostile_content_is_no_blob_and_stays() {
    if !is_inside("disk_cache_faults::hostile_content_is_no_blob_and_stays") {
        return;
    }
    let disk = CacheDisk::new("ext4", 64);
    let bytes: Vec<_> = (0..8).map(|seed| blob(seed, 100_000)).collect();
    let name = |number: usize| digest(&bytes[number]).to_string();
    let (cache, _) = disk.open();
    assert!(keep(&cache, &bytes[0]));
    cache.finish();
    let before = disk.with_blobs(|blobs| {
        symlink("/etc/passwd", blobs.join(name(1))).unwrap();
        symlink(name(0), blobs.join(name(2))).unwrap();
        let special = |number, kind, device| {
            mknodat(CWD, blobs.join(name(number)), kind, Mode::RUSR, device).unwrap();
        };
        special(3, FileType::Fifo, 0);
        special(4, FileType::CharacterDevice, makedev(1, 5));
        fs::create_dir(blobs.join(name(5))).unwrap();
        fs::write(blobs.join(name(5)).join("inner"), "kept").unwrap();
        fs::write(blobs.join(name(6).to_uppercase()), "kept").unwrap();
        fs::write(blobs.join("a\u{1b}[31m\nb"), "kept").unwrap();
        // Longer than all the disk.
        File::create(blobs.join(name(7))).unwrap().set_len(1 << 33).unwrap();
        names(blobs)
    });
    let (cache, told) = disk.open();
    assert_eq!(find(&cache, &bytes[0]), Found::Right);
    for bytes in &bytes[1..] {
        assert_eq!(find(&cache, bytes), Found::Missing);
        cache.discard(&digest(bytes));
    }
    // Only places that nothing has can be filled.
    for (number, bytes) in bytes.iter().enumerate().skip(1) {
        keep(&cache, bytes);
        let expected = if number >= 6 { Found::Right } else { Found::Missing };
        wait_until(&cache, bytes, expected);
    }
    assert_eq!(told.all(), Vec::<String>::new());
    cache.finish();
    let mut expected = before;
    expected.push(name(6));
    expected.sort();
    disk.with_blobs(|blobs| {
        assert_eq!(names(blobs), expected);
        assert_eq!(fs::read(blobs.join(name(5)).join("inner")).unwrap(), b"kept");
        assert_eq!(fs::read_link(blobs.join(name(1))).unwrap(), Path::new("/etc/passwd"));
    });
}

#[test]
fn a_directory_that_is_a_link_is_not_used() {
    if !is_inside("disk_cache_faults::a_directory_that_is_a_link_is_not_used") {
        return;
    }
    let disk = CacheDisk::new("ext4", 64);
    let elsewhere = TempDir::new().unwrap();
    disk.with_blobs(|blobs| symlink(elsewhere.path(), blobs).unwrap());
    let (cache, told) = CacheDisk::try_open(&disk.options());
    assert!(cache.is_none());
    told.wait_for("netboot-blobs cannot be used");
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[test]
fn a_damaged_blob_is_replaced() {
    if !is_inside("disk_cache_faults::a_damaged_blob_is_replaced") {
        return;
    }
    let disk = CacheDisk::new("ext4", 64);
    let bytes: Vec<_> = (0..5).map(|seed| blob(seed, 100_000)).collect();
    let (cache, _) = disk.open();
    assert!(bytes.iter().all(|bytes| keep(&cache, bytes)));
    cache.finish();
    disk.with_blobs(|blobs| {
        let file = |number: usize| {
            let path = blobs.join(digest(&bytes[number]).to_string());
            File::options().write(true).open(path).unwrap()
        };
        file(0).write_at(b"X", 50_000).unwrap();
        file(1).set_len(99_999).unwrap();
        file(2).set_len(0).unwrap();
        file(3).set_len(100_001).unwrap();
    });
    let (cache, told) = disk.open();
    let found: Vec<_> = bytes.iter().map(|bytes| find(&cache, bytes)).collect();
    let missing = Found::Missing;
    assert_eq!(found, [Found::Damaged, missing, missing, missing, Found::Right]);
    assert!(bytes[..4].iter().all(|bytes| keep(&cache, bytes)));
    cache.finish();
    let (cache, _) = disk.open();
    assert!(bytes.iter().all(|bytes| find(&cache, bytes) == Found::Right));
    cache.finish();
    assert_eq!(told.all(), Vec::<String>::new());
}

#[test]
fn a_write_protected_disk_is_only_read() {
    if !is_inside("disk_cache_faults::a_write_protected_disk_is_only_read") {
        return;
    }
    let mut disk = CacheDisk::new("ext4", 64);
    let (old, new) = (blob(1, MIB), blob(2, MIB));
    let (cache, _) = disk.open();
    assert!(keep(&cache, &old));
    cache.finish();
    disk.unplug();
    disk.plug_write_protected();
    let (cache, told) = disk.open();
    assert_eq!(find(&cache, &old), Found::Right);
    assert!(!keep(&cache, &new));
    cache.discard(&digest(&old));
    cache.finish();
    told.is_one("cannot be written");
}

#[test]
fn a_disk_that_is_full_keeps_what_it_has() {
    if !is_inside("disk_cache_faults::a_disk_that_is_full_keeps_what_it_has") {
        return;
    }
    let disk = CacheDisk::new("ext4", 64);
    let (old, new) = (blob(1, MIB), blob(2, 8 * MIB));
    let (cache, told) = disk.open();
    keep_in_place(&cache, &old);
    // Something else fills the disk meanwhile.
    disk.with_blobs(|blobs| {
        let mut file = File::create(blobs.parent().unwrap().join("other")).unwrap();
        while file.write_all(&[1; 8 << 10]).is_ok() {}
    });
    keep(&cache, &new);
    told.wait_for("cannot write a blob");
    assert_eq!(find(&cache, &new), Found::Missing);
    assert!(!keep(&cache, &blob(3, 10)), "nothing more is tried");
    assert_eq!(find(&cache, &old), Found::Right);
    cache.finish();
    told.is_one("No space left");
}

#[test]
fn a_disk_that_cannot_be_read_is_missed_and_told() {
    if !is_inside("disk_cache_faults::a_disk_that_cannot_be_read_is_missed_and_told") {
        return;
    }
    let disk = CacheDisk::new("ext4", 64);
    let bytes = blob(1, 20 * MIB);
    let (cache, _) = disk.open();
    assert!(keep(&cache, &bytes));
    cache.finish();
    let (cache, told) = disk.open();
    // From now on, the device answers most reads with an error.
    File::options().write(true).open(disk.image()).unwrap().set_len(4 << 20).unwrap();
    let other = blob(2, MIB);
    assert_ne!(find(&cache, &bytes), Found::Right);
    assert_ne!(find(&cache, &other), Found::Right);
    keep(&cache, &other);
    cache.finish();
    assert!(told.all().iter().any(|reason| reason.contains("a blob: ")), "{:?}", told.all());
}

#[test]
fn a_disk_without_a_good_file_system_is_told() {
    if !is_inside("disk_cache_faults::a_disk_without_a_good_file_system_is_told") {
        return;
    }
    let disk = CacheDisk::new("ext4", 64);
    // All of the group descriptors and the inode tables, but not the superblock.
    let image = File::options().write(true).open(disk.image()).unwrap();
    image.write_all_at(&vec![0xa5; 4 * MIB], 4096).unwrap();
    drop(image);
    let (cache, told) = CacheDisk::try_open(&disk.options());
    assert!(cache.is_none());
    told.wait_for("cannot mount /dev/loop");
}

/// A frozen file system keeps writers waiting in the kernel, where nothing can end them, as a disk
/// does that has stopped answering.
#[test]
fn a_disk_that_hangs_does_not_stop_the_boot() {
    if !is_inside("disk_cache_faults::a_disk_that_hangs_does_not_stop_the_boot") {
        return;
    }
    let disk = CacheDisk::new("ext4", 64);
    let place = TempDir::new().unwrap();
    let mut options = disk.options();
    options.patience = PATIENCE;
    let (cache, told) = CacheDisk::open_with(&options);
    mount(disk.device(), place.path(), "ext4", MountFlags::empty(), None).unwrap();
    run(Command::new(tool("fsfreeze")).arg("--freeze").arg(place.path()));
    let blobs: Vec<_> = (0..4).map(|seed| blob(seed, 8 * MIB)).collect();
    let kept: Vec<_> = blobs.iter().map(|blob| keep(&cache, blob)).collect();
    assert!(kept.contains(&false), "{kept:?}");
    nobody_is_awaited(|| {
        assert_eq!(find(&cache, &blobs[0]), Found::Missing);
        cache.finish();
    });
    run(Command::new(tool("fsfreeze")).arg("--unfreeze").arg(place.path()));
    unmount(place.path(), UnmountFlags::DETACH).unwrap();
    told.is_one("did not answer for 3 s; the boot goes on with the network");
}

#[test]
fn a_worker_that_hangs_is_given_up() {
    if !is_inside("disk_cache_faults::a_worker_that_hangs_is_given_up") {
        return;
    }
    let disk = CacheDisk::new("ext4", 64);
    let mut options = disk.options();
    options.patience = PATIENCE;
    let bytes = blob(1, 4 * MIB);
    let (cache, _) = disk.open();
    assert!(keep(&cache, &bytes));
    cache.finish();
    // The worker of a busy machine may take too long before it is stopped.
    let begin = Instant::now();
    let is_slow = |told: &Told| {
        assert!(begin.elapsed() < netboot_testbed::PATIENCE, "{:?}", told.all());
        told.is_one("did not answer");
    };
    let mut moments = vec!["finishing", "writing", "reading", "before"];
    while let Some(moment) = moments.pop() {
        let (cache, told) = CacheDisk::open_with(&options);
        let stop = || {
            let worker = Pid::from_raw(cache.worker_id().try_into().unwrap()).unwrap();
            kill_process(worker, Signal::STOP).unwrap();
        };
        match moment {
            "before" => {
                stop();
                assert_eq!(find(&cache, &bytes), Found::Missing);
            }
            "reading" => {
                let Some(mut reader) = cache.open(&digest(&bytes), bytes.len() as u64) else {
                    is_slow(&told);
                    moments.push(moment);
                    continue;
                };
                stop();
                assert!(reader.read_to_end(&mut Vec::new()).is_err());
            }
            "writing" => {
                let other = blob(2, 4 * MIB);
                let Some(mut writer) = cache.writer(&digest(&other), other.len() as u64) else {
                    is_slow(&told);
                    moments.push(moment);
                    continue;
                };
                stop();
                assert!(writer.write_all(&other).is_err());
            }
            _ => stop(),
        }
        if moment != "finishing" {
            told.is_one("did not answer");
            nobody_is_awaited(|| assert!(!keep(&cache, &blob(3, MIB))));
        }
        let worker = cache.worker_id();
        cache.finish();
        assert_eq!(told.all().len(), 1, "{moment}: {:?}", told.all());
        if moment == "finishing" {
            told.is_one("still being written");
            let worker = Pid::from_raw(worker.try_into().unwrap()).unwrap();
            kill_process(worker, Signal::KILL).unwrap();
        }
    }
}

#[test]
fn a_worker_ends_with_its_caller() {
    if !is_inside("disk_cache_faults::a_worker_ends_with_its_caller") {
        return;
    }
    let mut disk = CacheDisk::new("ext4", 64);
    let (cache, told) = disk.open();
    let bytes = blob(1, MIB);
    let mut writer = cache.writer(&digest(&bytes), bytes.len() as u64).unwrap();
    writer.write_all(&bytes[..1000]).unwrap();
    let worker = cache.worker_id();
    drop(cache);
    wait_for_end(worker);
    assert_eq!(told.all(), Vec::<String>::new());
    // Its mount is gone with it.
    assert!(disk.with_blobs(names).is_empty());
    disk.unplug();
}
