//! Archives: they are read as they were written, and hostile ones do no harm.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use netboot_closure::Error;
use netboot_closure::nar::{NarEvent, NarLimits, NarProblem, NarReader, NarSummary, dump, unpack};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::tree::Tree;

/// Writes the strings of an archive, well-formed or not.
fn archive(strings: &[&[u8]]) -> Vec<u8> {
    let mut archive = Vec::new();
    for string in strings {
        archive.extend((string.len() as u64).to_le_bytes());
        archive.extend(*string);
        archive.resize(archive.len().next_multiple_of(8), 0);
    }
    archive
}

/// An archive of a directory with entries, each with a name and the strings of a node.
fn directory(entries: &[(&[u8], &[&[u8]])]) -> Vec<u8> {
    let mut strings: Vec<&[u8]> = vec![b"nix-archive-1", b"(", b"type", b"directory"];
    for (name, node) in entries {
        strings.extend([b"entry" as &[u8], b"(", b"name", name, b"node"]);
        strings.extend(*node);
        strings.push(b")");
    }
    strings.push(b")");
    archive(&strings)
}

/// The strings that mean something in an archive, and some names.
const KEYWORDS: &[&str] = &[
    "(",
    ")",
    "type",
    "regular",
    "directory",
    "symlink",
    "target",
    "entry",
    "name",
    "node",
    "executable",
    "contents",
    "",
    "a",
    "b",
    "..",
];

const EMPTY_FILE: &[&[u8]] = &[b"(", b"type", b"regular", b"contents", b"", b")"];

/// An archive of an empty file.
fn file_archive() -> Vec<u8> {
    archive(&[&[b"nix-archive-1" as &[u8]], EMPTY_FILE].concat())
}

fn link(target: &'static [u8]) -> [&'static [u8]; 6] {
    [b"(", b"type", b"symlink", b"target", target, b")"]
}

/// Reads an archive to its end.
fn read(archive: &[u8], limits: NarLimits) -> Result<NarSummary, Error> {
    let mut reader = NarReader::new(archive, limits);
    while reader.next_event()?.is_some() {}
    Ok(reader.summary())
}

fn problem(archive: &[u8], limits: NarLimits) -> NarProblem {
    match read(archive, limits) {
        Err(Error::Nar { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

/// Removes a tree whose directories are not writable, also when the tests do not run as root.
fn remove(path: &Path) {
    let status = Command::new("chmod").args(["-R", "u+w"]).arg(path).status().unwrap();
    assert!(status.success());
    if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_tree_is_unpacked_as_it_was_written(tree in Tree::any()) {
        let directory = TempDir::new().unwrap();
        let (source, copy) = (directory.path().join("source"), directory.path().join("copy"));
        tree.write(&source);
        let mut archive = Vec::new();
        let written = dump(&source, &mut archive).unwrap();
        prop_assert_eq!(written.nar_size, archive.len() as u64);
        prop_assert_eq!(unpack(&archive[..], &copy, NarLimits::default()).unwrap(), written);
        prop_assert_eq!(read(&archive, NarLimits::default()).unwrap(), written);
        prop_assert_eq!(Tree::read_from_store(&copy), tree);
        if !copy.is_symlink() {
            remove(&copy);
        }
    }

    /// One altered byte gives another tree or an error, and never a tree elsewhere.
    #[test]
    fn a_damaged_archive_leaves_everything_else_alone(
        tree in Tree::any(),
        position in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let directory = TempDir::new().unwrap();
        let source = directory.path().join("source");
        tree.write(&source);
        let mut archive = Vec::new();
        dump(&source, &mut archive).unwrap();
        let position = position.index(archive.len());
        archive[position] = byte;
        let inside = directory.path().join("inside");
        fs::create_dir(&inside).unwrap();
        let limits = NarLimits { nar_size: archive.len() as u64, ..NarLimits::default() };
        let unpacked = unpack(&archive[..], &inside.join("copy"), limits);
        let read = read(&archive, limits);
        // A name may be too long for the file system, which the reader cannot know.
        let is_beyond_the_file_system = matches!(unpacked, Err(Error::Io { .. }));
        prop_assert!(unpacked.is_ok() == read.is_ok() || is_beyond_the_file_system);
        let names = fs::read_dir(directory.path()).unwrap();
        prop_assert_eq!(names.count(), 2);
        prop_assert!(fs::read_dir(&inside).unwrap().count() <= 1);
        remove(&inside);
    }

    #[test]
    fn an_archive_that_is_cut_is_refused(tree in Tree::any(), length in any::<prop::sample::Index>()) {
        let directory = TempDir::new().unwrap();
        let source = directory.path().join("source");
        tree.write(&source);
        let mut archive = Vec::new();
        dump(&source, &mut archive).unwrap();
        archive.truncate(length.index(archive.len()));
        prop_assert_eq!(problem(&archive, NarLimits::default()), NarProblem::Truncated);
    }

    #[test]
    fn garbage_never_panics(
        strings in prop::collection::vec(prop::sample::select(KEYWORDS.to_vec()), 0..40),
    ) {
        let strings = std::iter::once("nix-archive-1").chain(strings);
        let strings: Vec<&[u8]> = strings.map(str::as_bytes).collect();
        let _ = read(&archive(&strings), NarLimits::default());
    }
}

#[test]
fn a_name_that_leads_elsewhere_is_refused() {
    for name in [&b""[..], b".", b"..", b"a/b", b"/etc", b"a\0b"] {
        let archive = directory(&[(name, EMPTY_FILE)]);
        let name = name.escape_ascii().to_string();
        assert_eq!(problem(&archive, NarLimits::default()), NarProblem::Name { name });
    }
    let long = directory(&[(&[b'a'; 256], EMPTY_FILE)]);
    let too_long = NarProblem::TooLong { length: 256, limit: 255 };
    assert_eq!(problem(&long, NarLimits::default()), too_long);
}

#[test]
fn names_out_of_order_or_twice_are_refused() {
    let order = |name: &str| NarProblem::Order { name: name.to_owned() };
    let twice = directory(&[(b"a", EMPTY_FILE), (b"a", EMPTY_FILE)]);
    assert_eq!(problem(&twice, NarLimits::default()), order("a"));
    let swapped = directory(&[(b"b", EMPTY_FILE), (b"a", EMPTY_FILE)]);
    assert_eq!(problem(&swapped, NarLimits::default()), order("a"));
}

/// A link of the archive, and a link that was there before, are never followed.
#[test]
fn nothing_is_written_through_a_link() {
    let temporary = TempDir::new().unwrap();
    let outside = temporary.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let target: &'static str = outside.to_str().unwrap().to_owned().leak();

    let through_link = directory(&[
        (b"a", &link(target.as_bytes())),
        (b"a", &[b"(", b"type", b"directory", b")"]),
    ]);
    let copy = temporary.path().join("copy");
    let refused = unpack(&through_link[..], &copy, NarLimits::default());
    assert!(matches!(refused, Err(Error::Nar { problem: NarProblem::Order { .. }, .. })));

    let file = file_archive();
    for existing in ["to-file", "to-nothing", "to-directory"] {
        let place = temporary.path().join(existing);
        symlink(outside.join(existing), &place).unwrap();
        let refused = unpack(&file[..], &place, NarLimits::default());
        assert!(matches!(refused, Err(Error::Io { .. })), "{refused:?}");
    }
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn limits_end_the_reading() {
    let limits = NarLimits::default();
    let two = directory(&[(b"a", EMPTY_FILE), (b"b", EMPTY_FILE)]);
    let few = NarLimits { inodes: 2, ..limits };
    assert_eq!(problem(&two, few), NarProblem::TooManyNodes { limit: 2 });
    assert_eq!(read(&two, NarLimits { inodes: 3, ..limits }).unwrap().inodes, 3);

    let small = NarLimits { nar_size: 100, ..limits };
    assert_eq!(problem(&two, small), NarProblem::TooLarge { limit: 100 });

    let nested: &[&[u8]] = &[b"(", b"type", b"directory", b"entry", b"(", b"name", b"a", b"node"];
    let strings: Vec<&[u8]> =
        std::iter::once(&b"nix-archive-1"[..]).chain(nested.repeat(2000)).collect();
    assert_eq!(problem(&archive(&strings), limits), NarProblem::TooDeep { limit: 1000 });
}

/// A source without end: it repeats the entries of a directory.
#[test]
fn an_endless_archive_ends_at_the_limit() {
    let start = archive(&[b"nix-archive-1", b"(", b"type", b"directory"]);
    let endless = start.chain(io::repeat(0));
    let mut reader = NarReader::new(endless, NarLimits::default());
    assert_eq!(reader.next_event().unwrap(), Some(NarEvent::Directory { name: None }));
    assert!(matches!(reader.next_event(), Err(Error::Nar { .. })));

    let mut file = archive(&[b"nix-archive-1", b"(", b"type", b"regular", b"contents"]);
    file.extend(u64::MAX.to_le_bytes());
    let limits = NarLimits { nar_size: 1 << 20, ..NarLimits::default() };
    let mut reader = NarReader::new(file.chain(io::repeat(0)), limits);
    assert!(matches!(reader.next_event(), Ok(Some(NarEvent::File { size: u64::MAX, .. }))));
    let too_large = NarProblem::TooLarge { limit: 1 << 20 };
    assert!(matches!(reader.next_event(), Err(Error::Nar { problem, .. }) if problem == too_large));
}

#[test]
fn a_claimed_length_allocates_nothing() {
    let mut name =
        archive(&[b"nix-archive-1", b"(", b"type", b"directory", b"entry", b"(", b"name"]);
    name.extend(u64::MAX.to_le_bytes());
    let too_long = NarProblem::TooLong { length: u64::MAX, limit: 255 };
    assert_eq!(problem(&name, NarLimits::default()), too_long);
}

#[test]
fn other_faults_are_named() {
    let limits = NarLimits::default();
    let whole = file_archive();
    assert_eq!(problem(&[&whole[..], b"\0"].concat(), limits), NarProblem::TrailingBytes);
    let mut padded = whole.clone();
    padded[8 + 13] = 1;
    assert_eq!(problem(&padded, limits), NarProblem::Padding);
    for target in [&b""[..], b"a\0b"] {
        let link = archive(&[b"nix-archive-1", b"(", b"type", b"symlink", b"target", target, b")"]);
        assert_eq!(problem(&link, limits), NarProblem::Target);
    }
    assert!(matches!(
        problem(&archive(&[b"nix-archive-2"]), limits),
        NarProblem::Unexpected { .. }
    ));
    let device = archive(&[b"nix-archive-1", b"(", b"type", b"device"]);
    assert!(matches!(problem(&device, limits), NarProblem::Unexpected { .. }));
    let error = read(&whole[..20], limits).unwrap_err();
    assert_eq!(error.to_string(), "the archive is damaged at byte 20: it ends too early");
    assert!(error.hint().is_some());
}

#[test]
fn a_failing_source_is_told_from_a_damaged_archive() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the checksum of the frame is wrong"))
        }
    }
    let start = archive(&[b"nix-archive-1"]);
    let failed = unpack(start.chain(Failing), Path::new("/nowhere"), NarLimits::default());
    assert!(matches!(failed, Err(Error::ReadNar { offset: 24, .. })), "{failed:?}");
}

#[test]
fn what_is_no_file_is_refused_when_an_archive_is_written() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let error = dump(directory.path(), io::sink()).unwrap_err();
    assert!(matches!(&error, Error::SpecialFile { path: found } if *found == path), "{error:?}");
}
