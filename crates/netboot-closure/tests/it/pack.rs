//! Packing closures of real Nix stores.

use std::fs::{self, File};
use std::num::NonZero;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use netboot_closure::nar::{NarLimits, NarReader};
use netboot_closure::{
    CompressionLevel, Error, PackProgress, PackedClosure, Packer, PathToPack, Sha256, StorePath,
};
use sha2::Digest;
use tempfile::TempDir;

use crate::nix_store::{nix, text};

/// A store with a few paths, and a cache.
pub(crate) struct Site {
    root: TempDir,
    pub(crate) paths: Vec<PathToPack>,
}

fn go_on(_: PackProgress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

impl Site {
    pub(crate) fn new() -> Self {
        let mut site = Self { root: TempDir::new().unwrap(), paths: Vec::new() };
        for (name, size) in [("small", 10), ("large", 3_000_000), ("medium", 70_000)] {
            site.add(name, size);
        }
        site
    }

    /// Adds a path to the store with Nix, and takes what Nix says of it.
    pub(crate) fn add(&mut self, name: &str, size: usize) {
        self.add_lines(name, &format!("a line of {name}\n"), size);
    }

    /// The directory below which the store lies.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// Adds a path whose files have the text `line` again and again.
    pub(crate) fn add_lines(&mut self, name: &str, line: &str, size: usize) {
        let source = self.root.path().join(name);
        fs::create_dir_all(source.join("bin")).unwrap();
        fs::write(source.join("bin/init"), line.repeat(size / line.len() + 1)).unwrap();
        let path = self.nix("nix-store", &["--add", source.to_str().unwrap()]);
        self.take(&path);
    }

    /// Adds a path that refers to the first one, which has the name `small`.
    pub(crate) fn add_user_of_the_first(&mut self) {
        let source = self.root.path().join("small");
        let expression = format!("builtins.toFile \"user\" \"uses ${{{}}}\"", source.display());
        let path =
            self.nix("nix-instantiate", &["--eval", "--read-write-mode", "--expr", &expression]);
        self.take(path.trim_matches('"'));
    }

    fn nix(&self, program: &str, arguments: &[&str]) -> String {
        text(nix(self.root.path(), program, arguments, None))
    }

    /// Takes a store path as Nix describes it.
    fn take(&mut self, path: &str) {
        let query = |what: &str| self.nix("nix-store", &["--query", what, path]);
        let hash = query("--hash");
        let references = query("--references");
        let described = PathToPack {
            location: self.root.path().join(path.trim_start_matches('/')),
            path: path.parse().unwrap(),
            nar_hash: Sha256::from_base32(hash.strip_prefix("sha256:").unwrap()).unwrap(),
            nar_size: query("--size").parse().unwrap(),
            deriver: None,
            references: references.lines().map(|path| path.parse().unwrap()).collect(),
        };
        self.paths.push(described);
    }

    fn cache(&self) -> PathBuf {
        self.root.path().join("cache")
    }

    pub(crate) fn packer(&self) -> Packer {
        Packer::new(self.cache()).with_level(CompressionLevel::FAST)
    }

    pub(crate) fn init(&self) -> String {
        format!("{}/bin/init", self.paths[0].path)
    }

    pub(crate) fn pack(&self, packer: &Packer) -> Result<PackedClosure, Error> {
        packer.pack(&self.init(), self.paths.clone(), &go_on)
    }
}

/// The files in a cache, by name.
fn files(cache: &Path) -> Vec<PathBuf> {
    let directories = fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path());
    let files = directories.flat_map(|directory| fs::read_dir(directory).unwrap());
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256::from_bytes(sha2::Sha256::digest(bytes).into())
}

#[test]
fn each_blob_is_the_archive_that_nix_registered() {
    let site = Site::new();
    let closure = site.pack(&site.packer()).unwrap();
    assert_eq!((closure.packed, closure.blobs.len()), (3, 3));
    assert_eq!(closure.index.init(), site.init());
    for (entry, file) in closure.index.entries().iter().zip(&closure.blobs) {
        let blob = fs::read(file).unwrap();
        assert_eq!((sha256(&blob), blob.len() as u64), (entry.blob, entry.blob_size));
        // One frame, with the size of its contents in the header, and nothing after it.
        let frame = zstd::zstd_safe::get_frame_content_size(&blob).unwrap();
        assert_eq!(frame, Some(entry.nar_size));
        assert_eq!(zstd::zstd_safe::find_frame_compressed_size(&blob).unwrap(), blob.len());
        let archive = zstd::decode_all(&blob[..]).unwrap();
        assert_eq!(sha256(&archive), entry.nar_hash);
        let mut reader = NarReader::new(&archive[..], NarLimits::default());
        while reader.next_event().unwrap().is_some() {}
        let summary = reader.summary();
        assert_eq!(summary.unpacked_bytes, entry.unpacked_bytes);
        assert_eq!((summary.inodes, entry.inodes), (3, 3));
    }
}

#[test]
fn only_what_is_new_is_packed() {
    let mut site = Site::new();
    let first = site.pack(&site.packer()).unwrap();
    let again = site.pack(&site.packer()).unwrap();
    assert_eq!((again.packed, &again.index, &again.blobs), (0, &first.index, &first.blobs));

    site.add("one-more", 1000);
    let more = site.pack(&site.packer()).unwrap();
    assert_eq!((more.packed, more.index.entries().len()), (1, 4));

    // Another cache, another number of threads and another order give equal bytes.
    site.paths.reverse();
    let elsewhere = Packer::new(site.root.path().join("other-cache"))
        .with_level(CompressionLevel::FAST)
        .with_threads(NonZero::<usize>::MIN);
    let init = more.index.init();
    let other = elsewhere.pack(init, site.paths.clone(), &go_on).unwrap();
    assert_eq!((other.packed, &other.index), (4, &more.index));

    let other_level = site.packer().with_level(CompressionLevel::SMALL);
    assert_eq!(other_level.pack(init, site.paths.clone(), &go_on).unwrap().packed, 4);
}

#[test]
fn a_damaged_cache_is_repaired() {
    let site = Site::new();
    let first = site.pack(&site.packer()).unwrap();
    let writable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(&first.blobs[0], writable).unwrap();
    File::options().write(true).open(&first.blobs[0]).unwrap().set_len(5).unwrap();
    fs::remove_file(&first.blobs[1]).unwrap();
    let record = first.blobs[2].with_extension("").with_extension("record");
    for damage in ["", "x", "0 0 0 0\n", "\u{0}\u{fffd}"] {
        fs::write(&record, damage).unwrap();
        let repaired = site.pack(&site.packer()).unwrap();
        assert!(repaired.packed > 0, "{damage:?}");
        assert_eq!((&repaired.index, &repaired.blobs), (&first.index, &first.blobs));
    }
    assert_eq!(site.pack(&site.packer()).unwrap().packed, 0);
}

#[test]
fn files_that_nix_did_not_register_are_not_packed() {
    let site = Site::new();
    let changed = &site.paths[1];
    let file = changed.location.join("bin/init");
    let original = fs::read(&file).unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let mut other_byte = original.clone();
    other_byte[1000] ^= 1;
    let longer = [&original[..], b"more"].concat();
    for contents in [&other_byte, &longer, &original[..original.len() - 9].to_vec()] {
        fs::write(&file, contents).unwrap();
        let error = site.pack(&site.packer()).unwrap_err();
        assert!(
            matches!(&error, Error::ArchiveChanged { path } if *path == changed.path),
            "{error:?}"
        );
        assert!(error.hint().unwrap().contains(&changed.path.to_string()));
    }
    // The other paths may be in the cache by now. The changed one is not, not even in part.
    let is_of_changed = |file: &PathBuf| file.to_string_lossy().contains(changed.path.digest());
    let left = files(&site.cache());
    assert!(!left.iter().any(is_of_changed), "{left:?}");
    assert!(!left.iter().any(|file| file.to_string_lossy().contains("unfinished")), "{left:?}");
}

#[test]
fn stopping_leaves_nothing_half_written() {
    let site = Site::new();
    let calls = AtomicUsize::new(0);
    let stop_later = |_: PackProgress| {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        if call < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let stopped = site.packer().pack(&site.init(), site.paths.clone(), &stop_later);
    assert!(matches!(stopped, Err(Error::Cancelled)), "{stopped:?}");
    let left = files(&site.cache());
    assert!(!left.iter().any(|file| file.to_string_lossy().contains("unfinished")), "{left:?}");
    assert_eq!(site.pack(&site.packer()).unwrap().index.entries().len(), 3);
}

#[test]
fn progress_ends_at_the_whole_size() {
    let site = Site::new();
    let last = std::sync::Mutex::new(None);
    let note = |progress: PackProgress| {
        let mut last = last.lock().unwrap();
        *last = (*last).max(Some((progress.done_bytes, progress.total_bytes)));
        ControlFlow::Continue(())
    };
    let total = site.paths.iter().map(|path| path.nar_size).sum();
    for _ in 0..2 {
        site.packer().pack(&site.init(), site.paths.clone(), &note).unwrap();
        assert_eq!(last.lock().unwrap().take(), Some((total, total)));
    }
}

#[test]
fn the_cache_keeps_its_budget_and_what_is_in_use() {
    let site = Site::new();
    let first = site.pack(&site.packer()).unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(7200);
    let record = |blob: &Path| blob.with_extension("").with_extension("record");
    let age = |blob: &Path| File::open(record(blob)).unwrap().set_modified(long_ago).unwrap();
    // All are in use, or were used within the hour.
    let tight = site.packer().with_budget(0);
    let only = |position: usize| {
        let paths = site.paths[position..=position].to_vec();
        let init = format!("{}/bin/init", paths[0].path);
        tight.pack(&init, paths, &go_on).unwrap().blobs.remove(0)
    };
    site.pack(&tight).unwrap();
    assert!(first.blobs.iter().all(|blob| blob.exists()));

    let kept = only(0);
    for blob in first.blobs.iter().filter(|blob| **blob != kept) {
        age(blob);
    }
    only(0);
    let exist: Vec<bool> = first.blobs.iter().map(|blob| blob.exists()).collect();
    let expected: Vec<bool> = first.blobs.iter().map(|blob| *blob == kept).collect();
    assert_eq!(exist, expected);
    assert_eq!(files(&site.cache()), [kept.clone(), record(&kept)]);

    // The remains of a process that was killed are deleted after a day.
    let directory = kept.parent().unwrap();
    let (young, old) = (directory.join("unfinished-1"), directory.join("unfinished-2"));
    for file in [&young, &old] {
        fs::write(file, "x").unwrap();
    }
    let days_ago = SystemTime::now() - Duration::from_secs(2 * 24 * 60 * 60);
    File::options().write(true).open(&old).unwrap().set_modified(days_ago).unwrap();
    only(0);
    assert!(young.exists() && !old.exists());
    // A file that the packer did not write stays.
    let foreign = site.cache().join("notes.txt");
    fs::write(&foreign, "x").unwrap();
    only(0);
    assert!(foreign.exists());
}

#[test]
fn a_path_that_is_given_twice_or_not_at_all_is_an_error() {
    let mut site = Site::new();
    site.paths.push(site.paths[0].clone());
    assert!(matches!(site.pack(&site.packer()), Err(Error::DuplicatePath { .. })));
    site.paths.pop();
    let absent = StorePath::from_base_name(&format!("{}-absent", "1".repeat(32))).unwrap();
    site.paths[0].references.push(absent);
    assert!(matches!(site.pack(&site.packer()), Err(Error::MissingReference { .. })));
}

#[test]
fn a_blob_that_was_damaged_on_the_disk_is_packed_again() {
    let site = Site::new();
    let first = site.pack(&site.packer()).unwrap();
    for (position, entry) in first.index.entries().iter().enumerate() {
        let file = &first.blobs[position];
        let whole = fs::read(file).unwrap();
        let mut damaged = whole.clone();
        *damaged.last_mut().unwrap() ^= 1;
        // The mode of the blob lets nobody write to it.
        fs::remove_file(file).unwrap();
        fs::write(file, &damaged).unwrap();
        let repaired = site.pack(&site.packer()).unwrap();
        assert_eq!((repaired.packed, &repaired.index), (1, &first.index), "{}", entry.path);
        assert_eq!(fs::read(file).unwrap(), whole);
    }
}

#[test]
fn the_time_for_which_unused_blobs_stay_is_a_setting() {
    let site = Site::new();
    let first = site.pack(&site.packer()).unwrap();
    let only_first = |packer: Packer| {
        let paths = vec![site.paths[0].clone()];
        packer.pack(&site.init(), paths, &go_on).unwrap().blobs
    };
    only_first(site.packer().with_budget(0));
    assert!(first.blobs.iter().all(|blob| blob.exists()));
    let kept = only_first(site.packer().with_budget(0).with_keep(Duration::ZERO));
    let exist: Vec<&PathBuf> = first.blobs.iter().filter(|blob| blob.exists()).collect();
    assert_eq!(exist, kept.iter().collect::<Vec<_>>());
}
