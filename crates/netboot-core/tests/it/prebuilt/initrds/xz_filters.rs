//! Initrds whose xz streams have filters for the machine code of an architecture.

use std::collections::BTreeSet;

use netboot_core::Error;
use netboot_core::inspect::{LinuxVersion, XzFilter};
use tempfile::TempDir;

use super::{build_of, build_with};
use crate::boot_files::initrd::{filter, inspect, xz_for_riscv, xz_of_blocks};
use crate::boot_files::{cpio, linux};
use crate::prebuilt::{INIT, cause};

const LATER: LinuxVersion = LinuxVersion { major: 6, minor: 12 };

fn archive() -> Vec<u8> {
    cpio(&[("init", &b"#!/bin/sh\n".repeat(400)), (&INIT[1..], b"#!/bin/sh\n")])
}

/// The archive in xz with one filter.
fn xz(option: &str) -> Vec<u8> {
    filter(&["xz", "--check=crc32", option, "--lzma2", "-c"], &archive())
}

#[tokio::test]
async fn a_summary_names_the_filters_of_all_blocks() {
    for (bytes, expected) in [
        (filter(&["xz", "--check=crc32", "-c"], &archive()), None),
        (xz("--x86"), Some(XzFilter::X86)),
        (xz("--powerpc"), Some(XzFilter::PowerPc)),
        (xz("--arm"), Some(XzFilter::Arm)),
        (xz("--armthumb"), Some(XzFilter::ArmThumb)),
        (xz("--sparc"), Some(XzFilter::Sparc)),
        (xz("--arm64"), Some(XzFilter::Arm64)),
        (xz_for_riscv(&archive()), Some(XzFilter::RiscV)),
    ] {
        let summary = inspect(&bytes).await.unwrap();
        assert_eq!(summary.xz_filters, BTreeSet::from_iter(expected));
    }
    let archive = archive();
    let (first, second) = archive.split_at(1000);
    let blocks = xz_of_blocks(&[(&["--arm64", "--lzma2"], first), (&["--arm", "--lzma2"], second)]);
    let both = [blocks.as_slice(), &vec![0; blocks.len().next_multiple_of(4) - blocks.len()]];
    let parts = [both.concat(), xz("--x86")].concat();
    let summary = inspect(&parts).await.unwrap();
    let expected = [XzFilter::X86, XzFilter::Arm, XzFilter::Arm64];
    assert_eq!(summary.xz_filters, BTreeSet::from(expected));
}

/// The version counts where it decides, and the hint's two ways out lead out.
#[tokio::test]
async fn a_kernel_that_is_too_old_for_a_filter_is_refused() {
    let place = TempDir::new().unwrap();
    let old = linux("6.1.0-49-cloud-amd64 (debian-kernel@lists.debian.org)");
    let plain = filter(&["xz", "--check=crc32", "-c"], &archive());
    for (bytes, expected) in
        [(xz("--arm64"), XzFilter::Arm64), (xz_for_riscv(&archive()), XzFilter::RiscV)]
    {
        let (refused, _) = build_with(place.path(), &old, &[&bytes], "quiet").await;
        let error = refused.unwrap_err();
        let Error::KernelTooOld { version, filter, .. } = cause(&error) else {
            panic!("{error:?}");
        };
        assert_eq!((version.to_string().as_str(), *filter), ("6.1", expected));
        assert_eq!(filter.since(), Some(LATER));
        assert_eq!(
            error.hint().unwrap(),
            "compress the initrd with `xz --check=crc32` and no filter, or take Linux 6.12 or later"
        );
        let (taken, warnings) = build_with(place.path(), &old, &[&plain], "quiet").await;
        assert!(taken.is_ok() && warnings.is_empty(), "{taken:?} {warnings:?}");
        for version in ["6.12.0", "6.12.117+deb13-cloud-amd64 (x@y)", "7.2-rc1"] {
            let kernel = linux(version);
            let (taken, warnings) = build_with(place.path(), &kernel, &[&bytes], "quiet").await;
            assert!(taken.is_ok() && warnings.is_empty(), "{version}: {taken:?} {warnings:?}");
        }
    }
}

#[tokio::test]
async fn a_filter_that_not_every_kernel_knows_is_a_warning() {
    let place = TempDir::new().unwrap();
    let plain = filter(&["xz", "--check=crc32", "-c"], &archive());
    for (option, need) in [
        // This kernel tells no version.
        ("--arm64", "only if it is Linux 6.12 or later: its xz stream has the filter `--arm64`"),
        (
            "--powerpc",
            "only if it was built with CONFIG_XZ_DEC_POWERPC: its xz stream has the filter",
        ),
        (
            "--arm",
            "only if it was built with CONFIG_XZ_DEC_ARM: its xz stream has the filter `--arm`",
        ),
        ("--armthumb", "only if it was built with CONFIG_XZ_DEC_ARMTHUMB: its xz stream has the"),
        ("--sparc", "only if it was built with CONFIG_XZ_DEC_SPARC: its xz stream has the filter"),
    ] {
        let (taken, warnings) = build_of(place.path(), &[&xz(option)], "quiet").await;
        taken.unwrap();
        let [(message, hint)] = warnings.as_slice() else { panic!("{option}: {warnings:?}") };
        assert!(message.contains(need), "{message}");
        assert_eq!(hint, "compress it with `xz --check=crc32`");
    }
    for bytes in [&xz("--x86"), &plain] {
        let (taken, warnings) = build_of(place.path(), &[bytes], "quiet").await;
        assert!(taken.is_ok() && warnings.is_empty(), "{taken:?} {warnings:?}");
    }
}
