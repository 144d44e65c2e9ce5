//! Initrds that programs make and no kernel unpacks, and the way out that their hints name.

use netboot_core::inspect::InitrdFormat;

use crate::boot_files::cpio;
use crate::boot_files::initrd::{
    every_compression, filter, gzip, inspect, lzop, refusal, run, xz_of_blocks, zstd,
};

fn archive() -> Vec<u8> {
    cpio(&[("init", &b"#!/bin/sh\n".repeat(4000)), ("etc/hostname", b"worker\n")])
}

/// Asserts that an initrd is refused with this hint, and that what the hint says is accepted.
async fn follow(initrd: &[u8], format: InitrdFormat, hint: &str, followed: &[u8]) {
    assert_eq!(refusal(initrd).await, format);
    assert_eq!(format.hint(), hint);
    assert!(inspect(followed).await.unwrap().members >= 2, "{format:?}");
}

#[tokio::test]
async fn what_a_compressor_can_do_otherwise_is_said() {
    let archive = archive();
    let xz = filter(&["xz", "--check=crc32", "-c"], &archive);
    let advice = "compress it with `xz --check=crc32`";
    for check in ["--check=crc64", "--check=sha256"] {
        follow(&filter(&["xz", check, "-c"], &archive), InitrdFormat::XzCheck, advice, &xz).await;
    }
    let delta = filter(&["xz", "--check=crc32", "--delta", "--lzma2", "-c"], &archive);
    follow(&delta, InitrdFormat::XzFilters, advice, &xz).await;
    let (first, second) = archive.split_at(archive.len() / 2);
    let other: &[&str] = &["--delta", "--lzma2"];
    let last = xz_of_blocks(&[(&[], first), (&["--x86", "--lzma2"], second), (other, b"\0\0\0\0")]);
    follow(&last, InitrdFormat::XzFilters, advice, &xz).await;
    inspect(&xz_of_blocks(&[(&[], first), (&["--x86", "--lzma2"], second)])).await.unwrap();
    let skipped = filter(&["pzstd", "-q", "-p", "2", "-c"], &archive);
    let advice = "compress it with `zstd` instead of `pzstd`";
    follow(&skipped, InitrdFormat::ZstdSkippable, advice, &zstd(&archive)).await;
    let frame = filter(&["lz4", "-c"], &archive);
    let legacy = filter(&["lz4", "-l", "-c"], &archive);
    follow(&frame, InitrdFormat::Lz4Frame, "compress it with `lz4 -l`", &legacy).await;
    let window = filter(&["zstd", "--ultra", "--long=28", "-c"], &archive);
    let advice = "compress it with `zstd`, without `--long` or with `--long=27`";
    let smaller = filter(&["zstd", "--long=27", "-c"], &archive);
    follow(&window, InitrdFormat::ZstdWindow, advice, &smaller).await;
    // Bit 2 of the flags is another field in the header.
    let mut fields = gzip(&archive);
    fields[3] |= 4;
    let advice = "compress it with `gzip -n`";
    follow(&fields, InitrdFormat::GzipHeader, advice, &gzip(&archive)).await;
    let advice = "compress it with `lzop` without further options";
    let usual = lzop(&archive, 1, 256 * 1024);
    for other in [lzop(&archive, 0, 256 * 1024), lzop(&archive.repeat(9), 1, 300 * 1024)] {
        follow(&other, InitrdFormat::Lzop, advice, &usual).await;
    }
    let mut lzma = filter(&["xz", "--format=lzma", "-c"], &archive);
    let whole = lzma.clone();
    lzma[1..5].copy_from_slice(&0x8000_0000_u32.to_le_bytes());
    let advice = "compress it with `xz --format=lzma`";
    follow(&lzma, InitrdFormat::LzmaDictionary, advice, &whole).await;
    // The frame header of RFC 8878 with the dictionary 7.
    let dictionary = b"\x28\xb5\x2f\xfd\x21\x07\x01\x09\0\0x";
    let advice = "compress it with `zstd`, without a dictionary";
    follow(dictionary, InitrdFormat::ZstdDictionary, advice, &zstd(&archive)).await;
}

/// A kernel reads each part for itself. Parallel compressors make several parts.
#[tokio::test]
async fn an_archive_in_several_pieces_is_refused() {
    let archive = archive();
    let advice = "compress the whole archive in one piece, with `gzip`, `bzip2`, `xz` or `zstd` \
                  instead of a program that compresses pieces in parallel";
    let (first, second) = archive.split_at(1000);
    let pieces = every_compression(first).into_iter().zip(every_compression(second));
    for ((name, first), (_, second)) in pieces.zip(every_compression(&archive)).map(|it| it.0) {
        let both = [first, second].concat();
        if name == "lz4" {
            // To a kernel, a further magic is nothing in lz4's legacy format.
            inspect(&both).await.unwrap();
        } else {
            let whole = gzip(&archive);
            follow(&both, InitrdFormat::SplitArchive, advice, &whole).await;
        }
    }
}

#[tokio::test]
async fn what_stands_in_a_wrong_place_is_refused() {
    let archive = archive();
    let lz4 = filter(&["lz4", "-l", "-c"], &archive);
    let advice = "put the lz4 part last, or put eight zero bytes behind it, and then zeros up to a \
                  multiple of four";
    let mut filled = [lz4.as_slice(), &[0; 8]].concat();
    filled.resize(filled.len().next_multiple_of(4), 0);
    for (_, part) in every_compression(&archive).into_iter().chain([("plain", archive.clone())]) {
        if part.starts_with(&lz4[..4]) {
            continue;
        }
        let both = [lz4.as_slice(), &part].concat();
        follow(&both, InitrdFormat::BehindLz4, advice, &[filled.as_slice(), &part].concat()).await;
    }
    let odd = [archive.as_slice(), &[0], &archive].concat();
    let filled = [archive.as_slice(), &[0; 4], &archive].concat();
    let advice = "fill each part up with zeros to a multiple of four bytes before you join them";
    follow(&odd, InitrdFormat::Position, advice, &filled).await;
}

#[tokio::test]
async fn what_the_first_archive_may_not_be_is_refused() {
    let archive = archive();
    let zeros = gzip(&[&[0; 512], archive.as_slice()].concat());
    let advice = "compress the archive without the zeros before it";
    follow(&zeros, InitrdFormat::LeadingZeros, advice, &gzip(&archive)).await;
    let empty = [gzip(b""), gzip(&archive)].concat();
    follow(&empty, InitrdFormat::EmptyPart, "leave the empty part out", &gzip(&archive)).await;
    // Later, a kernel skips both.
    let later = gzip(&[&[0; 512], archive.as_slice()].concat());
    inspect(&[gzip(&archive), gzip(b""), later].concat()).await.unwrap();
}

#[tokio::test]
async fn another_kind_of_file_is_named() {
    let advice = "make the archive with `cpio -o -H newc`";
    follow(&b"070707000000".repeat(20), InitrdFormat::CpioFormat, advice, &archive()).await;
    let advice = "make an initrd: a cpio archive by `cpio -o -H newc`, plain or compressed with \
                  `zstd`, `gzip` or `xz --check=crc32`";
    for (bytes, name) in [
        (b"PK\x03\x04".as_slice(), "a zip file"),
        (b"hsqs", "a squashfs image"),
        (b"LZIP", "an lzip file"),
    ] {
        follow(bytes, InitrdFormat::Foreign(name), advice, &zstd(&archive())).await;
    }
    let directory = tempfile::TempDir::new().unwrap();
    std::fs::write(directory.path().join("init"), "#!/bin/sh\n").unwrap();
    let tar = run("tar", &["tar", "--create", "init"], directory.path(), b"");
    for tar in [gzip(&tar), tar] {
        let format = InitrdFormat::Foreign("a tar archive");
        follow(&tar, format, advice, &zstd(&archive())).await;
    }
}
