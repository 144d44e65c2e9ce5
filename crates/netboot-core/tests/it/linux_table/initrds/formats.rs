//! One archive in each format that programs make.

use super::Rows;
use crate::boot_files::initrd::{filter, xz_of_blocks};
use crate::linux_table::archives::{USUAL, by_cpio, newc, newc_with, noise};

/// A compression with the words of the program that makes it.
type Compressor = (&'static str, &'static [&'static str]);

/// Each compression as it is used for initrds.
pub(super) const USED: [Compressor; 7] = [
    ("gzip", &["gzip", "-n", "-c"]),
    ("bzip2", &["bzip2", "-c"]),
    ("lzma", &["xz", "--format=lzma", "-c"]),
    ("xz --check=crc32", &["xz", "--check=crc32", "-c"]),
    ("lzop", &["lzop", "-c"]),
    ("lz4 -l", &["lz4", "-l", "-c"]),
    ("zstd", &["zstd", "-c"]),
];

/// Further options of the programs.
const OPTIONS: [Compressor; 25] = [
    ("gzip -1", &["gzip", "-1", "-c"]),
    ("gzip -9", &["gzip", "-9", "-c"]),
    ("bzip2 -1", &["bzip2", "-1", "-c"]),
    ("lzma -9", &["xz", "--format=lzma", "-9", "-c"]),
    ("xz", &["xz", "-c"]),
    ("xz --check=none", &["xz", "--check=none", "-c"]),
    ("xz --check=crc64", &["xz", "--check=crc64", "-c"]),
    ("xz --check=sha256", &["xz", "--check=sha256", "-c"]),
    ("xz -9", &["xz", "--check=crc32", "-9", "-c"]),
    ("xz --x86=start=4096", &["xz", "--check=crc32", "--x86=start=4096", "--lzma2", "-c"]),
    ("xz --delta", &["xz", "--check=crc32", "--delta", "--lzma2", "-c"]),
    ("xz --block-size=1MiB", &["xz", "--check=crc32", "--block-size=1MiB", "-c"]),
    ("xz -T2", &["xz", "--check=crc32", "-T2", "--block-size=1MiB", "-c"]),
    ("lz4", &["lz4", "-c"]),
    ("lz4 -l -9", &["lz4", "-l", "-9", "-c"]),
    ("zstd --no-check", &["zstd", "--no-check", "-c"]),
    ("zstd -19", &["zstd", "-19", "-c"]),
    ("zstd --ultra -22", &["zstd", "--ultra", "-22", "-c"]),
    ("zstd --long=24", &["zstd", "--long=24", "-c"]),
    ("zstd --long=27", &["zstd", "--long=27", "-c"]),
    ("zstd --long=28", &["zstd", "--ultra", "--long=28", "-c"]),
    ("zstd --long=31", &["zstd", "--ultra", "--long=31", "-c"]),
    ("pzstd", &["pzstd", "-q", "-p", "2", "-c"]),
    ("lzop --crc32", &["lzop", "--crc32", "-c"]),
    ("lzop -F", &["lzop", "-F", "-c"]),
];

/// The position of a gzip header's flags, and the flags of a name and of further fields.
const FLAGS: usize = 3;
const NAME: u8 = 8;
const FIELDS: u8 = 4;

pub(super) fn add(rows: &mut Rows) {
    let plain = newc(&USUAL);
    for format in ["newc", "crc", "odc", "bin", "tar"] {
        rows.add(&format!("cpio -H {format}"), by_cpio(format));
    }
    for (name, words) in USED.iter().chain(&OPTIONS) {
        rows.add(name, filter(words, &plain));
    }
    // lz4 has chunks of 8 MiB. Other formats have smaller ones: the largest are those of xz, 2 MiB.
    let large = |digests| newc_with(&[("large", 0o100_644, &noise(digests))], "last");
    let [most, lz4] = [100_000, 300_000].map(large);
    for (name, words) in USED {
        let bytes = if words.contains(&"lz4") { &lz4 } else { &most };
        rows.add(&format!("{name}, of a large file"), filter(words, bytes));
    }
    let (first, second) = plain.split_at(plain.len() / 2);
    for (name, filters) in [("--x86", ["--x86", "--lzma2"]), ("--delta", ["--delta", "--lzma2"])] {
        let blocks: [(&[&str], &[u8]); 2] = [(&[], first), (&filters, second)];
        rows.add(&format!("xz, and {name} in its second block"), xz_of_blocks(&blocks));
    }
    let gzip = filter(USED[0].1, &plain);
    let with = |flag: u8, field: &[u8]| {
        let mut bytes = [&gzip[..10], field, &gzip[10..]].concat();
        bytes[FLAGS] |= flag;
        bytes
    };
    rows.add("gzip with the file's name", with(NAME, b"initrd\0"));
    rows.add("gzip with a further field", with(FIELDS, b"\x04\0BC\0\0"));
    let lzma = filter(USED[2].1, &plain);
    let mut bytes = lzma.clone();
    bytes[1..5].copy_from_slice(&0x8000_0000_u32.to_le_bytes());
    rows.add("lzma with a dictionary of 2 GiB", bytes);
    // The length instead of the mark of an unknown length.
    let mut bytes = lzma;
    bytes[5..13].copy_from_slice(&(plain.len() as u64).to_le_bytes());
    rows.add("lzma with its length and an end mark", bytes).difference =
        Some("programs write a length or an end mark, not both");
}
