//! Looking into initrds: what is damaged is found, wherever the damage is.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test whose set-up fails has failed")]

mod boot_files;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use boot_files::{cpio, cpio_header_of, cpio_of};
use netboot_core::inspect::{InitrdSummary, Presence, inspect_initrd, require_init};
use netboot_core::{ArtifactKind, CancellationToken, Context, Error, InitPath};
use proptest::prelude::*;
use tempfile::TempDir;

const INIT: &str = "/nix/store/0a-nixos-system/init";

/// What a program makes of `input`, in `directory`.
fn run(package: &str, words: &[&str], directory: &Path, input: &[u8]) -> Vec<u8> {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir(directory).stdin(Stdio::piped()).stdout(Stdio::piped());
    let started = command.stderr(Stdio::null()).spawn();
    let mut child = started
        .unwrap_or_else(|error| panic!("{}: {error}; install the package {package}", words[0]));
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).unwrap());
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "{words:?}: {}", output.status);
    output.stdout
}

/// An initrd of a few files, directories and a link, by the real programs; the length is that of
/// the archive up to the zeros behind it.
fn real_initrd() -> (Vec<u8>, usize) {
    let tree = TempDir::new().unwrap();
    let store = tree.path().join("nix/store/0a-nixos-system");
    fs::create_dir_all(&store).unwrap();
    fs::write(store.join("init"), "#!/bin/sh\n").unwrap();
    fs::write(tree.path().join("large"), vec![b'x'; 5000]).unwrap();
    std::os::unix::fs::symlink("large", tree.path().join("link")).unwrap();
    let list = ".\nnix\nnix/store\nnix/store/0a-nixos-system\n\
        ./nix/store/0a-nixos-system/init\nlarge\nlink\n";
    let archive = run(
        "busybox-static",
        &["busybox", "cpio", "-o", "-H", "newc"],
        tree.path(),
        list.as_bytes(),
    );
    // The trailer's name has a NUL behind it, and then what fills four bytes.
    let end = archive.iter().rposition(|byte| *byte != 0).unwrap() + 2;
    let end = end.next_multiple_of(4);
    (archive, end)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    run("gzip", &["gzip", "-n", "-c"], Path::new("/"), bytes)
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

async fn inspect(bytes: &[u8]) -> Result<InitrdSummary, Error> {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("initrd");
    fs::write(&path, bytes).unwrap();
    inspect_initrd(&path, &Context::new()).await
}

/// The initrd is damaged; where, and how.
async fn damage(bytes: &[u8]) -> (u64, String) {
    match inspect(bytes).await {
        Err(error @ Error::DamagedInitrd { .. }) => {
            assert!(error.hint().is_some());
            let Error::DamagedInitrd { position, problem, .. } = error else { unreachable!() };
            assert!(position <= bytes.len() as u64, "byte {position} of {}", bytes.len());
            (position, problem)
        }
        other => panic!("{} bytes, and it says {other:?}", bytes.len()),
    }
}

fn holds(summary: &InitrdSummary) -> Presence {
    summary.holds(&InitPath::new(INIT).unwrap())
}

#[tokio::test]
async fn what_real_programs_make_is_read() {
    let (archive, _) = real_initrd();
    for bytes in [archive.clone(), gzip(&archive), zstd(&archive)] {
        let summary = inspect(&bytes).await.unwrap();
        assert_eq!((summary.members, summary.unchecked), (7, None));
        // A link holds its target: `large`.
        assert_eq!(summary.unpacked_bytes, 10 + 5000 + 5);
        assert_eq!(holds(&summary), Presence::Yes);
    }
}

#[tokio::test]
async fn archives_stand_behind_each_other_in_any_form() {
    let (archive, end) = real_initrd();
    let forms = [archive.clone(), archive[..end].to_vec(), gzip(&archive), zstd(&archive)];
    for first in &forms {
        for second in &forms {
            // Zeros up to a multiple of four are between them, or many more.
            let fours = first.len().next_multiple_of(4);
            for begin in [fours, fours + 4096] {
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

/// Wherever the second archive begins in the pieces that are read.
#[tokio::test]
async fn a_magic_may_lie_anywhere() {
    let (archive, _) = real_initrd();
    let compressed = gzip(&archive);
    for begin in (1 << 18) - 8..=(1 << 18) + 8 {
        let mut bytes = archive.clone();
        bytes.resize(begin, 0);
        bytes.extend(&compressed);
        assert_eq!(inspect(&bytes).await.unwrap().members, 14, "from {begin}");
    }
}

#[tokio::test]
async fn an_initrd_that_was_cut_short_is_always_damaged() {
    let (archive, end) = real_initrd();
    assert_eq!(inspect(&archive[..end]).await.unwrap().members, 7);
    let small = cpio(&[("init", b"#!/bin/sh\n"), ("etc/hostname", b"worker\n")]);
    let lengths = |whole: usize| (1..whole).step_by((whole / 600).max(1));
    for length in lengths(end) {
        damage(&archive[..length]).await;
    }
    for whole in [gzip(&archive), zstd(&archive), gzip(&small), zstd(&small)] {
        for length in lengths(whole.len()).chain(whole.len() - 12..whole.len()) {
            damage(&whole[..length]).await;
        }
    }
    // The second of two.
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
    // Behind the header, whose time and flags mean nothing.
    for position in 10..whole.len() {
        let mut altered = whole.clone();
        altered[position] ^= 0x10;
        if inspect(&altered).await.is_ok() {
            // A few bits mean nothing: those that fill the last byte, codes that are not used.
            let unpacked = run("gzip", &["gzip", "-d", "-c"], Path::new("/"), &altered);
            assert!(unpacked == archive, "byte {position} was altered, and nobody saw it");
        }
    }
}

#[tokio::test]
async fn garbage_is_damaged_where_it_begins() {
    let neither = "neither a cpio archive nor a known compression";
    for garbage in [b"<!doctype html>".as_slice(), b"#!ipxe\n", b"0707", b"070707000000", b"x"] {
        assert_eq!(damage(garbage).await, (0, neither.to_owned()));
    }
    assert_eq!(damage(&[0; 5000]).await, (5000, "it holds no files".to_owned()));
    let (archive, _) = real_initrd();
    let behind = [archive.as_slice(), b"<html>"].concat();
    assert_eq!(damage(&behind).await, (archive.len() as u64, neither.to_owned()));
    // A gzip file of something else, and an archive whose members say odd things of themselves.
    damage(&gzip(b"just a text")).await;
    for (position, digits) in
        [(6, "zzzzzzzz"), (94, "00000000"), (94, "ffffffff"), (54, "ffffffff")]
    {
        let mut odd = cpio(&[("init", b"#!/bin/sh\n")]);
        odd[position..position + 8].copy_from_slice(digits.as_bytes());
        if position == 6 {
            // The inode's number means nothing here.
            inspect(&odd).await.unwrap();
        } else {
            damage(&odd).await;
        }
    }
    let Err(Error::EmptyArtifact { kind, .. }) = inspect(b"").await else { panic!("empty") };
    assert_eq!(kind, ArtifactKind::Initrd);
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
            Ok(summary) => prop_assert!(summary.unchecked.is_some() || summary.members > 0),
            Err(error) => prop_assert!(matches!(error, Error::DamagedInitrd { .. }), "{error:?}"),
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
async fn of_what_is_not_looked_into_the_kind_is_said() {
    // The whole of an xz file without content, by xz.
    let xz = b"\xfd7zXZ\0\x00\x04\xe6\xd6\xb4F\0\0\0\0\x1c\xdfD!\x1f\xb6\xf3}\x01\0\0\0\0\x04YZ";
    let others: [(&[u8], &str); 6] = [
        (xz, "xz"),
        (&[xz.as_slice(), &[0; 512]].concat(), "xz"),
        (b"BZh91AY", "bzip2"),
        (b"\x5d\0\0\x80\0\0", "lzma"),
        (b"\x02\x21\x4c\x18\0\0", "lz4"),
        (b"\x89LZO\0\x0d", "lzo"),
    ];
    for (bytes, compression) in others {
        let summary = inspect(bytes).await.unwrap();
        assert_eq!((summary.unchecked, summary.members), (Some(compression), 0));
        assert_eq!(holds(&summary), Presence::Unknown);
    }
    for length in 6..xz.len() {
        damage(&xz[..length]).await;
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

/// Whether a link leads to `init` is a question for the machine, not a reason to refuse an image.
#[tokio::test]
async fn behind_a_symbolic_link_init_may_be() {
    let link = |path| cpio_of(&[(path, 0o120_777, b"/sysroot/store".as_slice())]);
    let cases = [
        ("nix/store/0a-nixos-system", Presence::Unknown),
        ("./nix/store", Presence::Unknown),
        ("/nix", Presence::Unknown),
        ("nix/store/0b-nixos-system", Presence::No),
        ("nix/sto", Presence::No),
        // A link itself is what the kernel starts.
        (INIT, Presence::Yes),
    ];
    for (path, presence) in cases {
        assert_eq!(holds(&inspect(&link(path)).await.unwrap()), presence, "{path}");
    }
    let directory = cpio_of(&[("nix/store", 0o040_755, b"".as_slice())]);
    assert_eq!(holds(&inspect(&directory).await.unwrap()), Presence::No);
}

/// The kernel takes an archive only where a multiple of four bytes stands before it: after other
/// padding it says "broken padding" and leaves the rest out.
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
                let (_, problem) = damage(&bytes).await;
                assert!(problem.contains("multiple of four"), "{problem}");
            }
        }
        // Compressed, it may begin anywhere.
        let both = [first.as_slice(), &padding, &gzip(&second)].concat();
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
    // Nobody writes into the pipe: opening it would wait for ever.
    let pipe = directory.path().join("pipe");
    run("coreutils", &["mkfifo", "pipe"], directory.path(), b"");
    let error = inspect_initrd(&pipe, &context).await.unwrap_err();
    assert!(matches!(&error, Error::NotAFile { path } if *path == pipe), "{error:?}");
}

/// A file that names more memory than it has bytes: it is read to its end, and no further.
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

/// Dropping the future ends the reading behind it too: the runtime need not wait for its thread.
#[test]
fn reading_stops_when_it_is_dropped() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("initrd");
    // A file of 64 GiB that takes no space: reading it takes a while.
    let mut file = fs::File::create(&path).unwrap();
    file.write_all(&cpio(&[("init", b"#!/bin/sh\n")])).unwrap();
    file.set_len(64 << 30).unwrap();
    let start = std::time::Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let context = Context::new();
        let reading = inspect_initrd(&path, &context);
        let soon = std::time::Duration::from_millis(50);
        assert!(tokio::time::timeout(soon, reading).await.is_err(), "64 GiB in {soon:?}");
    });
    drop(runtime);
    assert!(start.elapsed().as_secs() < 5, "the thread went on for {:?}", start.elapsed());
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
