//! A disk with a labelled file system, as a loop device.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use netboot_closure::Sha256;
use netboot_stage1::BlobCache;
use netboot_stage1::disk_cache::{DiskCache, DiskCacheOptions, Notice};
use netboot_testbed::{PATIENCE, tool};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use sha2::Digest;
use tempfile::TempDir;

/// The reasons that a cache told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Fails unless exactly one reason was told, and it contains this text.
    #[track_caller]
    pub(crate) fn is_one(&self, text: &str) {
        let all = self.all();
        assert!(all.len() == 1 && all[0].contains(text), "{all:?} is not one with `{text}`");
    }

    /// Waits until a reason is told that contains this text: the worker tells it by itself.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) {
        let start = Instant::now();
        while !self.all().iter().any(|reason| reason.contains(text)) {
            assert!(start.elapsed() < PATIENCE, "no `{text}`: {:?}", self.all());
        }
    }
}

/// A disk with a file system.
#[derive(Debug)]
pub(crate) struct CacheDisk {
    directory: TempDir,
    label: String,
    kind: &'static str,
    device: Option<PathBuf>,
}

impl CacheDisk {
    /// Makes a disk of this size with a file system of this kind.
    pub(crate) fn new(kind: &'static str, mebibytes: u64) -> Self {
        Self::in_directory(TempDir::new().unwrap(), kind, mebibytes)
    }

    /// Makes a disk whose image lies in this directory.
    pub(crate) fn in_directory(directory: TempDir, kind: &'static str, mebibytes: u64) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // XFS has 12 bytes for a label.
        let label = format!("n{}-{count}", std::process::id());
        let mut disk = Self { directory, label, kind, device: None };
        File::create(disk.image()).unwrap().set_len(mebibytes << 20).unwrap();
        let mut command = Command::new(tool(&format!("mkfs.{kind}")));
        command.args([if kind == "ext4" { "-Fq" } else { "-q" }, "-L", &disk.label]);
        run(command.arg(disk.image()));
        disk.plug();
        disk
    }

    /// The file with the disk's contents.
    pub(crate) fn image(&self) -> PathBuf {
        self.directory.path().join("image")
    }

    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    pub(crate) fn device(&self) -> &Path {
        self.device.as_ref().unwrap()
    }

    /// Makes the machine see the disk.
    pub(crate) fn plug(&mut self) {
        self.plug_with(&[]);
    }

    /// Makes the machine see the disk write-protected.
    pub(crate) fn plug_write_protected(&mut self) {
        self.plug_with(&["--read-only"]);
    }

    fn plug_with(&mut self, options: &[&str]) {
        let image = self.image();
        let mut command = Command::new(tool("losetup"));
        command.args(["--find", "--show"]).args(options).arg(image);
        self.device = Some(run(&mut command).trim().into());
    }

    /// Takes the disk away, which must not be in use. Other tests look at the labels of all disks,
    /// which delays the end of this one.
    pub(crate) fn unplug(&mut self) {
        let device = self.device.take().unwrap();
        run(Command::new(tool("losetup")).arg("--detach").arg(&device));
        let block = Path::new("/sys/block").join(device.file_name().unwrap());
        let image = self.image().into_os_string().into_string().unwrap();
        let is_there = || {
            let backing = fs::read_to_string(block.join("loop/backing_file"));
            backing.is_ok_and(|backing| backing.contains(&image))
        };
        let start = Instant::now();
        while is_there() {
            assert!(start.elapsed() < PATIENCE, "{} is in use", device.display());
        }
    }

    pub(crate) fn options(&self) -> DiskCacheOptions {
        DiskCacheOptions {
            label: self.label.clone(),
            budget: None,
            wait: Duration::from_secs(60),
            patience: Duration::from_secs(60),
            program: (env!("CARGO_BIN_EXE_netboot-stage1").into(), Vec::new()),
        }
    }

    /// Opens the cache with these options.
    pub(crate) fn try_open(options: &DiskCacheOptions) -> (Option<DiskCache>, Told) {
        let told = Told::default();
        let notes = told.clone();
        let notice = move |reason: &str| notes.0.lock().unwrap().push(reason.to_owned());
        let notice: Arc<Notice> = Arc::new(notice);
        (DiskCache::open(options, &notice), told)
    }

    #[track_caller]
    pub(crate) fn open(&self) -> (DiskCache, Told) {
        Self::open_with(&self.options())
    }

    #[track_caller]
    pub(crate) fn open_with(options: &DiskCacheOptions) -> (DiskCache, Told) {
        let (cache, told) = Self::try_open(options);
        (cache.unwrap_or_else(|| panic!("no cache: {:?}", told.all())), told)
    }

    /// Mounts the file system, and does something with the directory of blobs in it. The caller has
    /// a mount namespace of its own.
    pub(crate) fn with_blobs<T>(&self, act: impl FnOnce(&Path) -> T) -> T {
        let place = TempDir::new().unwrap();
        mount(self.device(), place.path(), self.kind, MountFlags::empty(), None).unwrap();
        let result = act(&place.path().join("netboot-blobs"));
        unmount(place.path(), UnmountFlags::empty()).unwrap();
        result
    }
}

impl Drop for CacheDisk {
    fn drop(&mut self) {
        if let Some(device) = &self.device {
            let _ = Command::new(tool("losetup")).arg("--detach").arg(device).status();
        }
    }
}

/// Runs a command, which has to succeed, and returns its output.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A blob of this length, which no other seed has.
pub(crate) fn blob(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2) | 1;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56).to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

pub(crate) fn digest(bytes: &[u8]) -> Sha256 {
    Sha256::from_bytes(sha2::Sha256::digest(bytes).into())
}

/// Keeps a blob. Returns false if the cache did not want it.
pub(crate) fn keep(cache: &DiskCache, bytes: &[u8]) -> bool {
    let Some(mut writer) = cache.writer(&digest(bytes), bytes.len() as u64) else { return false };
    let written = bytes.chunks(100_000).try_for_each(|part| writer.write_all(part));
    written.and_then(|()| writer.commit()).is_ok()
}

/// Keeps a blob and waits until the cache has it: the worker gives a blob its name a moment after
/// the commit.
#[track_caller]
pub(crate) fn keep_in_place(cache: &DiskCache, bytes: &[u8]) {
    assert!(keep(cache, bytes));
    wait_until(cache, bytes, Found::Right);
}

/// Waits until a blob is found in this state.
#[track_caller]
pub(crate) fn wait_until(cache: &DiskCache, bytes: &[u8], expected: Found) {
    let start = Instant::now();
    while find(cache, bytes) != expected {
        assert!(start.elapsed() < PATIENCE, "{}", digest(bytes));
    }
}

/// A blob, as stage 1 reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Right,
    /// It was wrong or ended early, and was discarded.
    Damaged,
    Missing,
}

/// Reads a blob of the cache.
pub(crate) fn find(cache: &DiskCache, bytes: &[u8]) -> Found {
    let digest = digest(bytes);
    let Some(mut reader) = cache.open(&digest, bytes.len() as u64) else { return Found::Missing };
    let mut read = Vec::new();
    match reader.read_to_end(&mut read) {
        Ok(_) if self::digest(&read) == digest => Found::Right,
        Ok(_) | Err(_) => {
            cache.discard(&digest);
            Found::Damaged
        }
    }
}

/// The names in the directory of blobs, in order.
pub(crate) fn names(blobs: &Path) -> Vec<String> {
    let entries = fs::read_dir(blobs).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Waits until a child process has ended. It is a zombie until this process waits for it.
pub(crate) fn wait_for_end(process: u32) {
    let start = Instant::now();
    let state = || fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    while !(state().is_empty() || state().contains(") Z ")) {
        assert!(start.elapsed() < PATIENCE, "{}", state());
    }
}
