//! Inspecting an initrd in each compression, beside hashing it. Each ratio is the time of the
//! inspection in times of hashing the same file.
//!
//! On two cores of 2.6 GHz, the ratios for 300 MB are 0.3 for a plain initrd, 0.8 for lz4, 1.3 for
//! zstd, 2.2 for lzop, 2.9 for gzip, 8 for xz and 135 for bzip2. Hashing takes 0.2 seconds.
//!
//! The initrd has the files of the test bed's unpacked Nix as the machine's programs, and as much
//! noise, which stands for a file system image.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to say")]
#![expect(clippy::print_stdout, reason = "the figures are what the benchmark is for")]

use std::fs::File;
use std::path::Path;
use std::process::Command;

use netboot_benches::{is_test, medians, open_initrd, print_ratio, timed, write_noise};
use netboot_core::Context;
use netboot_core::inspect::inspect_initrd;
use netboot_testbed::DebianTree;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The size of the noise in MB.
const NOISE: u64 = 150;

/// Programs that write a compression of their standard input.
const COMPRESSIONS: [(&str, &[&str]); 7] = [
    ("plain", &["cat"]),
    ("lz4", &["lz4", "-l", "-c"]),
    ("zstd", &["zstd", "-q", "-c"]),
    ("gzip", &["gzip", "-1", "-n", "-c"]),
    ("lzop", &["lzop", "-c"]),
    ("xz", &["xz", "-0", "--check=crc32", "-c"]),
    ("bzip2", &["bzip2", "-c"]),
];

/// Writes a cpio archive of the tree, and of noise.
fn write_archive(place: &Path) {
    let noise = place.with_file_name("noise");
    write_noise(&noise, if is_test() { 1 } else { NOISE }, 1);
    let tree = DebianTree::SID_NIX.root();
    let tree = if is_test() { tree.join("usr/bin") } else { tree };
    let script = "find . -xdev | cpio --quiet -o -H newc && cd \"$1\" && \
                  echo noise | cpio --quiet -o -H newc";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(noise.parent().unwrap()).current_dir(tree);
    assert!(command.stdout(File::create(place).unwrap()).status().unwrap().success());
}

fn main() {
    let work = TempDir::new().unwrap();
    let archive = work.path().join("archive");
    write_archive(&archive);
    let runtime = Runtime::new().unwrap();
    for (name, words) in COMPRESSIONS {
        let initrd = work.path().join("initrd");
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).stdin(File::open(&archive).unwrap());
        let status = command.stdout(File::create(&initrd).unwrap()).status();
        assert!(status.unwrap().success(), "{words:?}");
        let inspect = || runtime.block_on(inspect_initrd(&initrd, &Context::new())).unwrap();
        let summary = inspect();
        println!(
            "{name}: {} MB, which unpack to {} MB",
            initrd.metadata().unwrap().len() / 1_000_000,
            summary.unpacked_bytes / 1_000_000
        );
        let [inspecting, hashing] = medians(
            if is_test() { 1 } else { 3 },
            [&mut || timed(|| drop(inspect())), &mut || {
                timed(|| drop(runtime.block_on(open_initrd(&initrd))))
            }],
        );
        print_ratio((&format!("inspecting {name}"), inspecting), ("hashing it", hashing));
    }
}
