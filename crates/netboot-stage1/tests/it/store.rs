//! The forms of the store on this machine's kernel.

use std::fs;
use std::path::Path;
use std::time::Instant;

use netboot_closure::boot_parameter::StoreChoice;
use netboot_closure::{Index, IndexEntry, Sha256, StorePath};
use netboot_stage1::Error;
use netboot_stage1::store::zram::{ZramAlgorithm, ZramNeed};
use netboot_stage1::store::{Store, StoreForm};
use netboot_testbed::{PATIENCE, tool};
use rustix::fs::statfs;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::mount_namespace::is_inside;

const MIB: u64 = 1 << 20;

/// An index of one store path with these sizes.
fn index(unpacked_bytes: u64, blob_size: u64, inodes: u64) -> Index {
    let path = StorePath::from_base_name("s66mzxpvicwk07gjbjfw9izjfa797vsw-system").unwrap();
    Index::builder(format!("{path}/init"))
        .entry(IndexEntry {
            path,
            blob: Sha256::from_bytes([1; 32]),
            blob_size,
            nar_hash: Sha256::from_bytes([2; 32]),
            nar_size: unpacked_bytes,
            unpacked_bytes,
            inodes,
            deriver: None,
            references: Vec::new(),
        })
        .build()
        .unwrap()
}

fn mount_tmpfs(directory: &Path, options: &str) {
    let options = std::ffi::CString::new(options).unwrap();
    mount("tmpfs", directory, "tmpfs", MountFlags::empty(), options.as_c_str()).unwrap();
}

/// Unmounts the store on zram, and removes its device. The kernel frees the device a moment after
/// its file system is unmounted.
pub(crate) fn remove_zram(directory: &Path) {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let devices: Vec<&str> = mounts
        .lines()
        .filter(|line| line.contains(directory.to_str().unwrap()))
        .filter_map(|line| line.split(' ').next()?.strip_prefix("/dev/zram"))
        .collect();
    assert!(!devices.is_empty(), "{mounts}");
    for number in devices {
        unmount(directory, UnmountFlags::empty()).unwrap();
        let start = Instant::now();
        while let Err(error) = fs::write("/sys/class/zram-control/hot_remove", number) {
            assert!(start.elapsed() < PATIENCE, "{error}");
        }
    }
}

/// Pages that compress to about half.
fn contents(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        bytes.extend_from_slice(&state.to_le_bytes());
        bytes.extend_from_slice(&[b'a'; 8]);
    }
    bytes
}

#[test]
fn a_tmpfs_gets_the_limits_that_the_closure_needs() {
    if !is_inside("store::a_tmpfs_gets_the_limits_that_the_closure_needs") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    mount_tmpfs(directory.path(), "size=1m,nr_inodes=10,mode=0755");
    fs::write(directory.path().join("before"), "kept").unwrap();
    let index = index(200 * MIB, 100 * MIB, 5000);
    let store =
        Store::prepare(StoreChoice::Auto, directory.path(), &index, 4, 1 << 40, false).unwrap();
    assert_eq!(store.form(), StoreForm::Tmpfs);
    assert_eq!(store.notice(), None);
    let state = statfs(directory.path()).unwrap();
    let free = state.f_bfree * u64::try_from(state.f_bsize).unwrap();
    assert!((200 * MIB..300 * MIB).contains(&free), "{free}");
    assert!(state.f_ffree >= 5000, "{}", state.f_ffree);
    assert_eq!(fs::read(directory.path().join("before")).unwrap(), b"kept");
    assert_eq!(store.finish().unwrap(), None);
    unmount(directory.path(), UnmountFlags::empty()).unwrap();
}

#[test]
fn the_limits_of_a_tmpfs_are_never_lowered() {
    if !is_inside("store::the_limits_of_a_tmpfs_are_never_lowered") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    mount_tmpfs(directory.path(), "size=4g,nr_inodes=100000");
    let before = statfs(directory.path()).unwrap();
    let index = index(MIB, MIB, 10);
    Store::prepare(StoreChoice::Auto, directory.path(), &index, 4, 1 << 40, false).unwrap();
    let after = statfs(directory.path()).unwrap();
    assert_eq!((after.f_blocks, after.f_files), (before.f_blocks, before.f_files));
}

#[test]
fn a_tmpfs_is_mounted_on_request() {
    if !is_inside("store::a_tmpfs_is_mounted_on_request") {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("created");
    let index = index(3 * MIB, MIB, 10);
    Store::prepare(StoreChoice::Auto, &directory, &index, 4, 1 << 40, true).unwrap();
    let state = statfs(&directory).unwrap();
    assert_eq!(state.f_type, 0x0102_1994, "a tmpfs");
    assert!(state.f_files >= 10);
    fs::write(directory.join("file"), contents(2 << 20, 1)).unwrap();
    unmount(&directory, UnmountFlags::empty()).unwrap();
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
}

#[test]
fn a_directory_below_a_full_file_system_is_refused() {
    if !is_inside("store::a_directory_below_a_full_file_system_is_refused") {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    mount_tmpfs(place.path(), "size=1m");
    let directory = place.path().join("below");
    let index = index(3 * MIB, MIB, 10);
    let error = Store::prepare(StoreChoice::Auto, &directory, &index, 4, 1 << 40, false);
    let error = error.unwrap_err();
    assert!(matches!(&error, Error::Room { needed, .. } if *needed == 3 * MIB), "{error:?}");
    assert!(error.hint().unwrap().contains("--mount"));
    // Both remedies work.
    Store::prepare(StoreChoice::Auto, &directory, &index, 4, 1 << 40, true).unwrap();
    unmount(&directory, UnmountFlags::empty()).unwrap();
    mount_tmpfs(&directory, "size=1m");
    Store::prepare(StoreChoice::Auto, &directory, &index, 4, 1 << 40, false).unwrap();
}

#[test]
fn the_store_goes_on_zram_where_memory_is_short() {
    if !is_inside("store::the_store_goes_on_zram_where_memory_is_short") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    mount_tmpfs(directory.path(), "size=1m");
    let index = index(900 * MIB, 100 * MIB, 1000);
    let available = 800 * MIB;
    let store =
        Store::prepare(StoreChoice::Auto, directory.path(), &index, 4, available, false).unwrap();
    assert!(matches!(store.form(), StoreForm::Zram(_)), "{:?}", store.form());
    let state = statfs(directory.path()).unwrap();
    assert_eq!(state.f_type, 0xef53, "ext4");
    assert!(state.f_bavail * 4096 > 900 * MIB, "all blocks of the closure fit");
    assert!(state.f_ffree >= 1000);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "no lost+found");
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let line = mounts.lines().find(|line| line.contains("/dev/zram")).unwrap();
    let has = |option| line.contains(option);
    assert!(has("nosuid") && has("nodev") && has("noatime") && !has("noexec"), "{line}");

    fs::write(directory.path().join("file"), contents(8 << 20, 1)).unwrap();
    store.check().unwrap();
    let used = store.finish().unwrap().unwrap();
    assert!(used > 3 * MIB && used < 8 * MIB, "{used}");

    // A second attempt begins with an empty disk, and the first one's memory is free again.
    let device = line.split(' ').next().unwrap().to_owned();
    let store =
        Store::prepare(StoreChoice::Auto, directory.path(), &index, 4, available, false).unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    assert_eq!(mounts.matches("/dev/zram").count(), 1, "{mounts}");
    assert!(!mounts.contains(&format!("{device} ")) || !Path::new(&device).exists());
    drop(store);
    remove_zram(directory.path());
}

#[test]
fn a_store_that_outgrows_its_memory_is_told() {
    if !is_inside("store::a_store_that_outgrows_its_memory_is_told") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    // The index says that the blob is small; the store may take what is available beside the
    // rest: 16 MiB.
    let index = index(64 * MIB, MIB, 10);
    let rest = (200 + 64 + 4 * 10) * MIB;
    let available = rest + 16 * MIB;
    let store =
        Store::prepare(StoreChoice::Auto, directory.path(), &index, 4, available, false).unwrap();
    for (number, seed) in ["a", "b", "c", "d"].iter().zip(1..) {
        fs::write(directory.path().join(number), contents(16 << 20, seed)).unwrap();
    }
    let error = store.finish().unwrap_err();
    let Error::StoreFull { used, limit, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*limit, 16 * MIB);
    assert!(*used <= *limit, "{used}");
    remove_zram(directory.path());
}

#[test]
fn without_mke2fs_the_last_word_says_so() {
    if !is_inside("store::without_mke2fs_the_last_word_says_so") {
        return;
    }
    // Busybox's applet of the name makes no ext4.
    let hidden = tool("mke2fs");
    mount_over(&tool("busybox"), &hidden);
    let directory = tempfile::tempdir().unwrap();
    let index = index(900 * MIB, 100 * MIB, 1000);
    let prepare =
        |choice, available| Store::prepare(choice, directory.path(), &index, 4, available, false);
    let error = prepare(StoreChoice::Auto, 800 * MIB).unwrap_err();
    assert!(matches!(&error, Error::Memory { zram: ZramNeed::Unusable(_), .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "the store needs 1223 MiB as files in memory, and cannot be on zram (the initrd has no \
         `mke2fs` of e2fsprogs); 800 MiB are available: 423 MiB are missing"
    );
    let store = prepare(StoreChoice::Zram, 1 << 40).unwrap();
    assert_eq!(store.form(), StoreForm::Tmpfs);
    assert_eq!(store.notice(), Some("no zram: the initrd has no `mke2fs` of e2fsprogs"));
}

#[test]
fn zram_is_not_used_behind_the_back_of_tmpfs() {
    if !is_inside("store::zram_is_not_used_behind_the_back_of_tmpfs") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let index = index(900 * MIB, 100 * MIB, 1000);
    let error = Store::prepare(StoreChoice::Tmpfs, directory.path(), &index, 4, 800 * MIB, false);
    let error = error.unwrap_err();
    assert!(error.hint().unwrap().contains("netboot.store=auto"), "{error:?}");
    // The remedy works.
    let store =
        Store::prepare(StoreChoice::Auto, directory.path(), &index, 4, 800 * MIB, false).unwrap();
    assert!(matches!(store.form(), StoreForm::Zram(_)), "{:?}", store.form());
    store.finish().unwrap();
    remove_zram(directory.path());
}

/// Follows both ways of the hint.
#[test]
fn more_memory_or_a_smaller_closure_makes_a_store() {
    if !is_inside("store::more_memory_or_a_smaller_closure_makes_a_store") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let prepare = |size, available| {
        let index = index(size, size / 2, 1000);
        Store::prepare(StoreChoice::Tmpfs, directory.path(), &index, 4, available, true)
    };
    let error = prepare(900 * MIB, 400 * MIB).unwrap_err();
    let hint = error.hint().unwrap();
    assert_eq!(hint, "give the machine more memory, or make the closure smaller");
    for (size, available) in [(900 * MIB, 2000 * MIB), (9 * MIB, 400 * MIB)] {
        prepare(size, available).unwrap();
        unmount(directory.path(), UnmountFlags::empty()).unwrap();
    }
}

fn mount_over(source: &Path, target: &Path) {
    rustix::mount::mount_bind(source, target).unwrap();
}

/// The estimate counts whole pages where a blob hardly compresses.
#[test]
fn the_estimate_is_between_the_blob_and_the_pages() {
    for algorithm in [ZramAlgorithm::Zstd, ZramAlgorithm::LzoRle] {
        let compresses = algorithm.store_bytes(&index(900 * MIB, 100 * MIB, 0));
        assert!((150 * MIB..300 * MIB).contains(&compresses), "{compresses}");
        let not = algorithm.store_bytes(&index(900 * MIB, 890 * MIB, 0));
        assert!((900 * MIB..910 * MIB).contains(&not), "{not}");
        assert_eq!(algorithm.store_bytes(&index(u64::MAX, u64::MAX, u64::MAX)), u64::MAX);
    }
}
