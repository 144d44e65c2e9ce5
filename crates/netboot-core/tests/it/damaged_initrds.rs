//! Damaged initrds, which no kernel unpacks completely, are found wherever the damage is.

use std::path::Path;

use netboot_core::inspect::{InitrdFormat, inspect_initrd};
use netboot_core::{ArtifactKind, Context, Error};
use tempfile::TempDir;

use crate::boot_files::cpio;
use crate::boot_files::initrd::{
    damage, every_compression, gzip, inspect, real_initrd, refusal, run, zstd,
};

#[tokio::test]
async fn an_initrd_that_was_cut_short_is_always_damaged() {
    let (archive, end) = real_initrd();
    assert_eq!(inspect(&archive[..end]).await.unwrap().members, 7);
    let small = cpio(&[("init", b"#!/bin/sh\n"), ("etc/hostname", b"worker\n")]);
    let lengths = |whole: usize| (1..whole).step_by((whole / 600).max(1));
    // A kernel needs neither a trailer nor the zeros behind it.
    for length in lengths(end).filter(|length| length + 14 < end - 110) {
        match inspect(&archive[..length]).await {
            Ok(summary) => assert!(summary.members < 7 && length.is_multiple_of(4), "{length}"),
            Err(Error::DamagedInitrd { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    let all = [every_compression(&archive), every_compression(&small)];
    for (_, whole) in all.into_iter().flatten() {
        for length in lengths(whole.len()).chain(whole.len() - 12..whole.len()) {
            damage(&whole[..length]).await;
        }
    }
    // Damage the second of two.
    let first = archive.len();
    let both = [archive, gzip(&small)].concat();
    for length in first + 1..both.len() {
        let (position, _) = damage(&both[..length]).await;
        assert!(position >= first as u64, "{position} of {first}, cut to {length}");
    }
}

#[tokio::test]
async fn a_byte_that_was_altered_in_a_compressed_initrd_is_found() {
    let (archive, _) = real_initrd();
    let whole = gzip(&archive);
    // Damage after the header, because its time and flags have no effect.
    for position in 10..whole.len() {
        let mut altered = whole.clone();
        altered[position] ^= 0x10;
        if inspect(&altered).await.is_ok() {
            // A few bits have no effect: the padding of the last byte, and unused codes.
            let unpacked = run("gzip", &["gzip", "-d", "-c"], Path::new("/"), &altered);
            assert!(unpacked == archive, "byte {position} was altered, and nobody saw it");
        }
    }
}

#[tokio::test]
async fn the_checksum_of_a_zstd_frame_is_held_against_its_content() {
    let (archive, _) = real_initrd();
    let whole = zstd(&archive);
    for position in whole.len() - 4..whole.len() {
        let mut altered = whole.clone();
        altered[position] ^= 1;
        let (_, problem) = damage(&altered).await;
        assert_eq!(problem, "the checksum of a zstd frame is wrong");
    }
}

#[tokio::test]
async fn garbage_is_damaged_where_it_begins() {
    let neither = "neither a cpio archive nor a known compression";
    for garbage in [b"<!doctype html>".as_slice(), b"#!ipxe\n", b"0707", b"x"] {
        assert_eq!(damage(garbage).await, (0, neither.to_owned()));
    }
    assert_eq!(damage(&[0; 5000]).await, (5000, "it holds no files".to_owned()));
    let (archive, _) = real_initrd();
    let behind = [archive.as_slice(), b"<html>"].concat();
    assert_eq!(damage(&behind).await, (archive.len() as u64, neither.to_owned()));
    // A gzip file of other data, and an archive whose members have invalid headers.
    damage(&gzip(b"just a text")).await;
    for (position, digits) in [(6, "zzzzzzzz"), (94, "+0000005"), (54, "ffffffff")] {
        let mut odd = cpio(&[("init", b"#!/bin/sh\n")]);
        odd[position..position + 8].copy_from_slice(digits.as_bytes());
        damage(&odd).await;
    }
    let Err(Error::EmptyArtifact { kind, .. }) = inspect(b"").await else { panic!("empty") };
    assert_eq!(kind, ArtifactKind::Initrd);
}

/// The kernel unpacks an archive only at a multiple of four bytes. After other padding it prints
/// "broken padding" and ignores the rest.
#[tokio::test]
async fn an_archive_at_an_odd_place_is_damaged() {
    let (first, second) = (cpio(&[("early", b"1")]), cpio(&[("init", b"2")]));
    for zeros in 0..9 {
        let padding = vec![0; zeros];
        let both = [first.as_slice(), &padding, &second].concat();
        for bytes in [both.clone(), gzip(&both), zstd(&both)] {
            if zeros % 4 == 0 {
                assert_eq!(inspect(&bytes).await.unwrap().members, 2);
            } else {
                assert_eq!(refusal(&bytes).await, InitrdFormat::Position);
            }
        }
        // So may a compressed one behind it. Behind a compressed one, it may start anywhere.
        let both = [first.as_slice(), &padding, &gzip(&second)].concat();
        if zeros % 4 == 0 {
            assert_eq!(inspect(&both).await.unwrap().members, 2);
        } else {
            assert_eq!(refusal(&both).await, InitrdFormat::Position);
        }
        let both = [gzip(&first), padding, gzip(&second)].concat();
        assert_eq!(inspect(&both).await.unwrap().members, 2);
    }
}

#[tokio::test]
async fn what_is_no_file_is_no_damaged_initrd() {
    let directory = TempDir::new().unwrap();
    let missing = directory.path().join("initrd");
    let context = Context::new();
    let error = inspect_initrd(&missing, &context).await.unwrap_err();
    assert!(matches!(&error, Error::Io { path, .. } if *path == missing), "{error:?}");
    let error = inspect_initrd(directory.path(), &context).await.unwrap_err();
    assert!(matches!(&error, Error::NotAFile { .. }), "{error:?}");
    // Nothing writes into the pipe, so opening it would block forever.
    let pipe = directory.path().join("pipe");
    run("coreutils", &["mkfifo", "pipe"], directory.path(), b"");
    let error = inspect_initrd(&pipe, &context).await.unwrap_err();
    assert!(matches!(&error, Error::NotAFile { path } if *path == pipe), "{error:?}");
}
