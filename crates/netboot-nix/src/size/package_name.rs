//! The package and version of a store path, from its name alone.

use crate::size::generated::is_generated;

/// Words that begin a part of a version: `1.0-rc2`, `0-unstable-2025-01-03`.
const VERSION_WORDS: [&str; 20] = [
    "alpha", "beta", "b", "final", "git", "hardened", "lqx", "nightly", "p", "post", "pre",
    "preview", "r", "rc", "rev", "rt", "snapshot", "stable", "unstable", "xanmod",
];

/// The name and version of a package, from the name of a store path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PackageName<'a> {
    pub(super) package: &'a str,
    pub(super) version: &'a str,
}

impl<'a> PackageName<'a> {
    /// Splits a name as Nix does: the version starts after the first hyphen that is not followed by
    /// a letter (Nix manual, `builtins.parseDrvName`). The words at the end, such as the name of an
    /// output, are not part of the version. Returns `None` if there is no version, and for files
    /// that NixOS generates.
    pub(super) fn of(name: &'a str) -> Option<Self> {
        if is_generated(name) {
            return None;
        }
        let (position, _) = name.match_indices('-').find(|(position, _)| {
            name[position + 1..].chars().next().is_some_and(|next| !next.is_alphabetic())
        })?;
        let (package, mut version) = (&name[..position], &name[position + 1..]);
        if package.is_empty() || !version.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        while let Some((before, last)) = version.rsplit_once('-') {
            if is_part_of_version(last) {
                break;
            }
            version = before;
        }
        Some(Self { package, version })
    }
}

/// Returns true for a number, a word of versions with a number, and a revision.
fn is_part_of_version(part: &str) -> bool {
    let letters = part.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(part.len());
    let (word, number) = part.split_at(letters);
    let is_number = number.chars().all(|c| c.is_ascii_digit() || c == '.');
    let revision = part.strip_prefix('g').unwrap_or(part);
    let is_revision = revision.len() >= 7
        && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
        && revision.bytes().any(|byte| byte.is_ascii_digit());
    (word.is_empty() && !number.is_empty())
        || (VERSION_WORDS.contains(&word) && is_number)
        || is_revision
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of store paths, each with the package and the version that it has in nixpkgs.
    const NAMES: &str = include_str!("../../tests/store-names.txt");

    #[test]
    fn real_names_have_the_package_and_version_of_nixpkgs() {
        let mut wrong = Vec::new();
        for line in NAMES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut words = line.split_whitespace();
            let name = words.next().unwrap();
            let expected = words.next().zip(words.next());
            let found = PackageName::of(name).map(|found| (found.package, found.version));
            if found != expected {
                wrong.push(format!("{name}: {found:?}, not {expected:?}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(NAMES.lines().count() > 400, "the table is short");
    }

    #[test]
    fn a_name_without_a_package_or_a_version_has_none() {
        for name in ["x-", "-1.0", "", "-", "x--1", "é-", "a-é"] {
            assert_eq!(PackageName::of(name), None, "{name}");
        }
    }
}
