//! Reading the content of initrds, in every form that a kernel accepts.

use std::fs;
use std::io::Write;

use netboot_core::inspect::{InitrdSummary, Presence, inspect_initrd, require_init};
use netboot_core::secret_scan::{SecretPolicy, scan_initrd};
use netboot_core::{CancellationToken, Context, Error, Event, InitPath, Phase, Unit};
use netboot_testbed::PATIENCE;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::boot_files::initrd::{every_compression, gzip, inspect, real_initrd, zstd};
use crate::boot_files::{cpio, cpio_header_of, cpio_of};

const INIT: &str = "/nix/store/0a-nixos-system/init";

fn holds(summary: &InitrdSummary) -> Presence {
    summary.holds(&InitPath::new(INIT).unwrap())
}

#[tokio::test]
async fn what_real_programs_make_is_read() {
    let (archive, _) = real_initrd();
    let plain = [("plain", archive.clone())];
    for (name, bytes) in every_compression(&archive).into_iter().chain(plain) {
        let summary = inspect(&bytes).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(summary.members, 7, "{name}");
        // The content of a link is its target: `large`.
        assert_eq!(summary.unpacked_bytes, 10 + 5000 + 5);
        assert_eq!(holds(&summary), Presence::Yes);
    }
}

#[tokio::test]
async fn archives_stand_behind_each_other_in_any_form() {
    let (archive, end) = real_initrd();
    let mut forms = vec![archive.clone(), archive[..end].to_vec()];
    forms.extend(every_compression(&archive).map(|(_, bytes)| bytes));
    for first in &forms {
        for second in &forms {
            // There are zeros between them, up to a multiple of four or many more.
            let fours = first.len().next_multiple_of(4);
            // An lz4 part ends at four zeros only.
            for begin in [fours + 8, fours + 4096] {
                let zeros = vec![0; begin - first.len()];
                let both = [first.as_slice(), &zeros, second].concat();
                assert_eq!(inspect(&both).await.unwrap().members, 14);
            }
        }
    }
    // Two archives in one compressed file.
    let both = [archive.as_slice(), &archive].concat();
    assert_eq!(inspect(&gzip(&both)).await.unwrap().members, 14);
    assert_eq!(inspect(&zstd(&both)).await.unwrap().members, 14);
}

/// The second archive may start anywhere in the chunks that are read.
#[tokio::test]
async fn a_magic_may_lie_anywhere() {
    let (archive, _) = real_initrd();
    let compressed = gzip(&archive);
    for begin in ((1 << 18) - 8..=(1 << 18) + 8).step_by(4) {
        let mut bytes = archive.clone();
        bytes.resize(begin, 0);
        bytes.extend(&compressed);
        assert_eq!(inspect(&bytes).await.unwrap().members, 14, "from {begin}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_damaged(
        magic in prop::sample::select(vec![
            b"".as_slice(), b"070701", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"BZh9",
        ]),
        bytes in prop::collection::vec(any::<u8>(), 1..300),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        match runtime.block_on(inspect(&[magic, &bytes].concat())) {
            Ok(summary) => prop_assert!(summary.members > 0),
            Err(Error::DamagedInitrd { .. } | Error::UnbootableInitrd { .. }) => {}
            Err(error) => prop_assert!(false, "{error:?}"),
        }
    }

    #[test]
    fn a_path_that_is_in_an_initrd_is_found(
        parts in prop::collection::vec("[a-z0-9+_?=-]{1,12}", 1..5), begin in "(|/|\\./)",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let path = parts.join("/");
        let archive = cpio(&[(&format!("{begin}{path}"), b"x"), ("other", b"")]);
        let summary = runtime.block_on(inspect(&archive)).unwrap();
        let init = |text: String| InitPath::new(text).unwrap();
        prop_assert_eq!(summary.holds(&init(format!("/{path}"))), Presence::Yes);
        prop_assert_eq!(summary.holds(&init(format!("/{path}x"))), Presence::No);
    }
}

#[tokio::test]
async fn whether_init_is_there_is_told_as_far_as_it_can_be() {
    let with = |path| cpio(&[("bin/sh", b"".as_slice()), (path, b"...")]);
    let cases = [
        (&INIT[1..], Presence::Yes),
        ("nix/store/0b-nixos-system/init", Presence::No),
        ("init", Presence::No),
        ("nix-store.squashfs", Presence::Unknown),
        ("store.erofs", Presence::Unknown),
        ("squashfs", Presence::No),
    ];
    let worker = "worker".parse().unwrap();
    let init = InitPath::new(INIT).unwrap();
    let microcode = inspect(&with("kernel/x86/microcode/GenuineIntel.bin")).await.unwrap();
    for (path, presence) in cases {
        let summary = inspect(&with(path)).await.unwrap();
        assert_eq!(holds(&summary), presence, "{path}");
        let required = require_init(&worker, &init, [&microcode, &summary]);
        match (presence, required) {
            (Presence::Yes | Presence::Unknown, Ok(())) => {}
            (Presence::No, Err(error @ Error::InitMissing { .. })) => {
                assert!(error.to_string().contains(INIT) && error.hint().is_some(), "{error}");
            }
            (_, required) => panic!("{path}: {required:?}"),
        }
    }
}

/// An image may contain a link to `init`: only the machine knows its target.
#[tokio::test]
async fn behind_a_symbolic_link_init_may_be() {
    let link = |path| cpio_of(&[(path, 0o120_777, b"/sysroot/store".as_slice())]);
    let cases = [
        ("nix/store/0a-nixos-system", Presence::Unknown),
        ("./nix/store", Presence::Unknown),
        ("/nix", Presence::Unknown),
        ("nix/store/0b-nixos-system", Presence::No),
        ("nix/sto", Presence::No),
    ];
    for (path, presence) in cases {
        assert_eq!(holds(&inspect(&link(path)).await.unwrap()), presence, "{path}");
    }
    // The kernel starts a link in its directory itself.
    let (directory, target) = (0o040_755, b"/sysroot/store".as_slice());
    let directories = ["nix", "nix/store", "nix/store/0a-nixos-system"];
    let mut members: Vec<_> = directories.map(|path| (path, directory, b"".as_slice())).into();
    members.push((&INIT[1..], 0o120_777, target));
    assert_eq!(holds(&inspect(&cpio_of(&members)).await.unwrap()), Presence::Yes);
    let directory = cpio_of(&[("nix/store", 0o040_755, b"".as_slice())]);
    assert_eq!(holds(&inspect(&directory).await.unwrap()), Presence::No);
}

/// Linux does not make the directory of a file.
#[tokio::test]
async fn a_file_without_its_directory_is_not_there() {
    let (directory, file) = (0o040_755, 0o100_755);
    let of = async |members: &[(&str, usize)]| {
        let all = members.iter().map(|(path, mode)| (*path, *mode, b"".as_slice()));
        inspect(&cpio_of(&all.collect::<Vec<_>>())).await.unwrap()
    };
    let (nix, store) = (("nix", directory), ("nix/store", directory));
    let (system, init) = (("nix/store/0a-nixos-system", directory), (&INIT[1..], file));
    let whole = of(&[nix, store, system, init]).await;
    assert_eq!(holds(&whole), Presence::Yes);
    let below = of(&[system, init]).await;
    for initrd in
        [&of(&[nix, store, init, system]).await, &of(&[store, system, init]).await, &below]
    {
        assert_eq!(holds(initrd), Presence::No);
    }
    // An earlier initrd may have the directory, and a later one comes too late.
    let above = of(&[nix, store]).await;
    let (worker, init) = ("worker".parse().unwrap(), InitPath::new(INIT).unwrap());
    require_init(&worker, &init, [&above, &below]).unwrap();
    require_init(&worker, &init, [&below, &above]).unwrap_err();
    // Linux makes two directories itself.
    let dev = of(&[("dev/init", file)]).await;
    assert_eq!(dev.holds(&InitPath::new("/dev/init").unwrap()), Presence::Yes);
}

/// A file that states a larger size than it has is read only to its end.
#[tokio::test]
async fn much_of_little_is_read_in_little_memory() {
    let archive = cpio(&[("init", b"#!/bin/sh\n")]);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&cpio_header_of("large", 64 << 20)).unwrap();
    for _ in 0..64 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    encoder.write_all(&archive).unwrap();
    let bytes = encoder.finish().unwrap();
    assert!(bytes.len() < 1 << 20);
    let summary = inspect(&bytes).await.unwrap();
    assert_eq!((summary.members, summary.unpacked_bytes), (2, (64 << 20) + 10));
}

/// Dropping the future also ends the blocking read, so the runtime does not wait for its thread.
#[test]
fn reading_stops_when_it_is_dropped() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("initrd");
    // A sparse file of 4 TiB takes no space, and reading it takes longer than any test.
    let mut file = fs::File::create(&path).unwrap();
    file.write_all(&cpio(&[("init", b"#!/bin/sh\n")])).unwrap();
    file.set_len(4 << 40).unwrap();
    let start = std::time::Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let context = Context::new();
        let reading = inspect_initrd(&path, &context);
        let soon = std::time::Duration::from_millis(50);
        assert!(tokio::time::timeout(soon, reading).await.is_err(), "4 TiB in {soon:?}");
    });
    drop(runtime);
    assert!(start.elapsed() < PATIENCE, "the thread went on for {:?}", start.elapsed());
}

#[tokio::test]
async fn reading_stops_when_it_is_cancelled() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("initrd");
    fs::write(&path, cpio(&[("init", b"#!/bin/sh\n")])).unwrap();
    let token = CancellationToken::new();
    token.cancel();
    let context = Context::new().with_cancellation(token);
    let error = inspect_initrd(&path, &context).await.unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error:?}");
}

#[tokio::test]
async fn reading_a_large_initrd_tells_how_far_it_came() {
    const MIB: u64 = 1 << 20;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("initrd");
    let large = vec![b'x'; 20 << 20];
    let archive = cpio(&[("init", b"#!/bin/sh\n"), ("large", &large)]);
    fs::write(&path, &archive).unwrap();
    let size = archive.len() as u64;
    let policy = SecretPolicy::default();
    for (expected, scans) in [(Phase::Hashing, false), (Phase::Scanning, true)] {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        let context = Context::new().with_events(sender);
        if scans {
            scan_initrd(&path, &policy, |_| false, &context).await.unwrap();
        } else {
            inspect_initrd(&path, &context).await.unwrap();
        }
        drop(context);
        let mut events = Vec::new();
        while let Some(event) = receiver.recv().await {
            events.push(event);
        }
        let (first, last) = (events.first().unwrap(), events.last().unwrap());
        assert!(matches!(first, Event::PhaseStarted { phase, .. } if *phase == expected));
        assert!(matches!(last, Event::PhaseFinished { phase, .. } if *phase == expected));
        let amounts = events[1..events.len() - 1].iter().map(|event| match event {
            Event::Progress { phase, subject, done, total: Some(total), unit, .. } => {
                assert_eq!((*phase, subject.as_str(), *total), (expected, "initrd", size));
                assert_eq!(*unit, Unit::Bytes);
                *done
            }
            other => panic!("{other:?}"),
        });
        let amounts: Vec<u64> = amounts.collect();
        assert!(amounts.is_sorted() && amounts[0] >= 8 * MIB, "{amounts:?}");
        assert_eq!((amounts.len(), amounts.last()), (3, Some(&size)), "{amounts:?}");
    }
    // A small file is read at once.
    fs::write(&path, cpio(&[("init", b"#!/bin/sh\n")])).unwrap();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    inspect_initrd(&path, &Context::new().with_events(sender)).await.unwrap();
    while let Some(event) = receiver.recv().await {
        assert!(!matches!(event, Event::Progress { .. }), "{event:?}");
    }
}
