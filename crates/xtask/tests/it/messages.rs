//! Messages that count things say "1 file" and "2 files".

use std::fs;
use std::path::PathBuf;

use crate::sources::{files, root, source_directories};

/// Nouns that messages of this repository count.
const NOUNS: [&str; 18] = [
    "arguments",
    "blobs",
    "bytes",
    "characters",
    "entries",
    "errors",
    "files",
    "findings",
    "images",
    "lines",
    "machines",
    "objects",
    "profiles",
    "releases",
    "sites",
    "store paths",
    "warnings",
    "words",
];

/// Messages whose number is never one: a limit, or more than a limit.
const NEVER_ONE: [&str; 11] = [
    "{limit} bytes",
    "{limit} files",
    "a string of {length} bytes may have at most {limit}",
    "it has {length} bytes and {limit} are allowed",
    "it ends after {size} of {needed} bytes",
    "has {length} bytes, but at most {limit} are possible",
    "has {words} words",
    "which is too large for an initrd: {size} bytes",
    "`{path}` is too large: it has {size} bytes, and netboot reads at most {limit}",
    "the query has more than {LONGEST_QUERY} bytes",
    "it has fewer than {SHORTEST} characters",
];

/// A placeholder in front of a plural would print "1 files". `netboot_core::counted` chooses the
/// right form.
#[test]
fn no_message_counts_without_choosing_singular_or_plural() {
    let sources = source_directories().into_iter().flat_map(|directory| files(&directory));
    let is_product = |path: &PathBuf| {
        let path = path.strip_prefix(root()).unwrap();
        !path.starts_with("tests") && path.iter().all(|name| name != "contract")
    };
    let sources: Vec<_> = sources.filter(is_product).collect();
    assert!(sources.len() > 200, "{} sources", sources.len());
    let mut wrong = Vec::new();
    for path in sources {
        let source = fs::read_to_string(&path).unwrap();
        let code = source.split("#[cfg(test)]").next().unwrap();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let lines = lines.filter(|line| !NEVER_ONE.iter().any(|message| line.contains(message)));
        let counts = |line: &&str| NOUNS.iter().any(|noun| line.contains(&format!("}} {noun}")));
        wrong.extend(lines.filter(counts).map(|line| format!("{}: {line}", path.display())));
    }
    assert_eq!(wrong, Vec::<String>::new());
}
