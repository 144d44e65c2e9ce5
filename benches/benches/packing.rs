//! Packing a closure at three levels, and unpacking it. With the path of `mksquashfs` in the
//! variable `MKSQUASHFS`, also the image that NixOS makes of the same files.
//!
//! The store paths are the libraries and programs of the test bed's unpacked Nix.
//! Times are those of the processor.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to say")]
#![expect(clippy::print_stdout, reason = "the figures are what the benchmark is for")]

use std::fs;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use netboot_benches::is_test;
use netboot_closure::nar::{NarLimits, dump, unpack};
use netboot_closure::{CompressionLevel, PackedClosure, Packer, PathToPack, Sha256, StorePath};
use netboot_core::Sha256Hasher;
use netboot_testbed::DebianTree;
use tempfile::TempDir;

/// The number of store paths that change.
const CHANGED: usize = 3;

/// Hashes what is written.
struct Hashing(Sha256Hasher);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Hashes what is read.
struct HashingReader<R>(R, Sha256Hasher);

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.0.read(buffer)?;
        self.1.update(&buffer[..length]);
        Ok(length)
    }
}

/// A store path with these files. `number` makes its digest.
fn path_to_pack(location: PathBuf, number: usize) -> PathToPack {
    let mut hashing = Hashing(Sha256Hasher::new());
    let summary = dump(&location, &mut hashing).unwrap();
    let name = location.file_name().unwrap().to_str().unwrap();
    PathToPack {
        path: StorePath::from_base_name(&format!("{number:032}-{name}")).unwrap(),
        nar_hash: Sha256::from_bytes(*hashing.0.finish().0.as_bytes()),
        nar_size: summary.nar_size,
        deriver: None,
        references: Vec::new(),
        location,
    }
}

/// The libraries and programs of the test bed's Nix. Each becomes a store path.
fn locations() -> Vec<PathBuf> {
    let root = DebianTree::SID_NIX.root();
    let parents = ["usr/bin", "usr/lib/x86_64-linux-gnu"].map(|parent| root.join(parent));
    let entries = parents.iter().flat_map(|parent| fs::read_dir(parent).unwrap());
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| !path.is_symlink());
    found.sort();
    found.truncate(if is_test() { 4 } else { usize::MAX });
    found
}

/// The processor time of this process and of the programs that it waited for, in seconds.
fn processor_time() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // proc(5): the fields 14 to 17 are times, in hundredths of a second.
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let times = fields.split(' ').skip(11).take(4).map(|field| field.parse::<u32>().unwrap());
    times.map(f64::from).sum::<f64>() / 100.0
}

/// Measures the processor time of `work`.
fn measured<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let begin = processor_time();
    let result = work();
    (result, processor_time() - begin)
}

fn pack(packer: &Packer, paths: &[PathToPack]) -> PackedClosure {
    let init = format!("{}/init", paths[0].path);
    packer.pack(&init, paths.to_vec(), &|_| ControlFlow::Continue(())).unwrap()
}

/// Checks and unpacks each blob, as a machine does.
fn assemble(closure: &PackedClosure, into: &Path) {
    for (entry, blob) in closure.index.entries().iter().zip(&closure.blobs) {
        let blob = fs::read(blob).unwrap();
        let mut hasher = Sha256Hasher::new();
        hasher.update(&blob);
        assert_eq!(hasher.finish().0.as_bytes(), entry.blob.as_bytes());
        let archive = zstd::Decoder::new(&blob[..]).unwrap();
        let mut archive = HashingReader(archive, Sha256Hasher::new());
        let place = into.join(entry.path.base_name());
        unpack(&mut archive, &place, NarLimits::default()).unwrap();
        assert_eq!(archive.1.finish().0.as_bytes(), entry.nar_hash.as_bytes());
    }
}

fn main() {
    let work = TempDir::new().unwrap();
    let mut paths: Vec<PathToPack> =
        (0..).zip(locations()).map(|(number, path)| path_to_pack(path, number)).collect();
    let locations: Vec<PathBuf> = paths.iter().map(|path| path.location.clone()).collect();
    let original = paths.clone();
    for (number, path) in (0..).zip(&mut paths).take(CHANGED) {
        let file = work.path().join(format!("changed-{number}"));
        fs::write(&file, format!("{number}\n").repeat(100_000)).unwrap();
        *path = path_to_pack(file, 1000 + number);
    }
    let size: u64 = original.iter().map(|path| path.nar_size).sum();
    println!("{} store paths, {size} bytes", original.len());
    for level in [3, 10, 19] {
        let packer = Packer::new(work.path().join("cache"))
            .with_level(CompressionLevel::new(level).unwrap());
        let (cold, cold_time) = measured(|| pack(&packer, &original));
        let (changed, changed_time) = measured(|| pack(&packer, &paths));
        assert_eq!((cold.packed, changed.packed), (original.len(), CHANGED));
        let of_changed =
            changed.index.entries().iter().filter(|entry| {
                !cold.index.entries().iter().any(|before| before.blob == entry.blob)
            });
        let new: u64 = of_changed.map(|entry| entry.blob_size).sum();
        let new = new + changed.index.to_compressed().unwrap().len() as u64;
        println!(
            "level {level:2}: {cold_time:6.2} s cold, {changed_time:5.2} s after {CHANGED} paths; \
             {} bytes to fetch, {new} to publish after {CHANGED} paths",
            cold.index.blob_bytes()
        );
        let into = work.path().join(format!("unpacked-{level}"));
        fs::create_dir(&into).unwrap();
        let ((), time) = measured(|| assemble(&cold, &into));
        println!("level {level:2}: {time:6.2} s to check and unpack");
    }
    if let Some(program) = std::env::var_os("MKSQUASHFS") {
        // The options of NixOS (`nixos/lib/make-squashfs.nix`).
        let image = work.path().join("nix-store.squashfs");
        let options = ["-no-hardlinks", "-keep-as-directory", "-all-root", "-b", "1048576"];
        let compression = ["-comp", "zstd", "-Xcompression-level", "19", "-quiet", "-no-progress"];
        let mut command = Command::new(program);
        command.args(&locations).arg(&image).args(options).args(compression);
        let (status, time) = measured(|| command.status().unwrap());
        assert!(status.success());
        let size = image.metadata().unwrap().len();
        println!("squashfs: {time:6.2} s cold and after any change, {size} bytes to fetch");
    }
}
