//! The source files of this repository, and the rules that hold for each file.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// The directories that contain crates.
const WITH_CRATES: [&str; 4] = ["crates", "examples", "tests", "benches"];

/// The maximum number of lines of a file in `src`.
const LINE_LIMIT: usize = 400;

/// The maximum number of lines of an example, which readers copy.
const EXAMPLE_LIMIT: usize = 99;

/// The maximum width of a line of a comment, in columns.
const COMMENT_WIDTH: usize = 100;

/// The root of this repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Returns the directory `src` of each crate.
pub(crate) fn source_directories() -> Vec<PathBuf> {
    let root = root();
    let manifests = WITH_CRATES.iter().flat_map(|directory| {
        let below = WalkDir::new(root.join(directory)).into_iter();
        below.filter_entry(|entry| entry.file_name() != "target").map(Result::unwrap)
    });
    let manifests = manifests.filter(|entry| entry.file_name() == "Cargo.toml");
    let directories = manifests.map(|entry| entry.path().with_file_name("src"));
    directories.filter(|directory| directory.is_dir()).collect()
}

/// Returns the source files below a directory.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = WalkDir::new(directory).sort_by_file_name().into_iter().map(Result::unwrap);
    let paths = entries.map(walkdir::DirEntry::into_path);
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// Returns true if an attribute keeps an item for tests.
pub(crate) fn is_for_tests(attribute: &syn::Attribute) -> bool {
    let test = |list: &syn::MetaList| list.tokens.to_string().contains("test");
    attribute.path().is_ident("cfg") && attribute.meta.require_list().is_ok_and(test)
}

/// Returns the comments that can be broken into lines: no code, no tables and no links.
fn prose(source: &str) -> impl Iterator<Item = &str> {
    let is_comment = |line: &&str| line.trim_start().starts_with("//");
    let mut is_code = false;
    source.lines().filter(is_comment).filter(move |line| {
        let text = line.trim_start().trim_start_matches(['/', '!']).trim_start();
        let is_fence = text.starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence && !text.starts_with('|') && !text.contains("https://")
    })
}

#[test]
fn a_file_begins_with_what_it_is_and_fits_in_a_head() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for path in source_directories().iter().flat_map(|directory| files(directory)) {
        let source = fs::read_to_string(&path).unwrap();
        let lines = source.lines().count();
        let is_example = path.starts_with(root().join("examples/src/bin"));
        if lines > if is_example { EXAMPLE_LIMIT } else { LINE_LIMIT } {
            wrong.push(format!("{} has {lines} lines", path.display()));
        }
        if !source.starts_with("//! ") {
            wrong.push(format!("{} does not begin with `//!`", path.display()));
        }
        let wide = prose(&source).filter(|line| line.chars().count() > COMMENT_WIDTH);
        wrong.extend(wide.map(|line| format!("{}: {line}", path.display())));
        count += 1;
    }
    assert!(count > 400, "{count} files");
    assert_eq!(wrong, Vec::<String>::new());
}

/// Words that open a noun clause. A comment names a thing by a noun: "The size of the cache", and
/// not "How large the cache is".
const CLAUSES: [&str; 5] = ["What", "Whether", "Who", "Why", "How"];

#[test]
fn no_comment_opens_with_a_noun_clause() {
    let mut wrong = Vec::new();
    for path in source_directories().iter().flat_map(|directory| files(directory)) {
        let source = fs::read_to_string(&path).unwrap();
        let mut is_inside = false;
        for line in source.lines() {
            let line = line.trim_start();
            let text = ["/// ", "//! "].iter().find_map(|start| line.strip_prefix(start));
            let is_first = text.is_some() && !is_inside;
            is_inside = text.is_some();
            let first = text.unwrap_or_default().split(' ').next().unwrap_or_default();
            if is_first && CLAUSES.contains(&first) && !line.ends_with('?') {
                wrong.push(format!("{}: {line}", path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
