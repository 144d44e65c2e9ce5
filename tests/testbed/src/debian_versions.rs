//! The versions of Debian packages that the tests were last checked with.
//!
//! Debian's mirrors drop old versions, so a new machine cannot install exactly these. It installs
//! what Debian has signed since, and [`version_changes`] says so.

use std::process::Command;
use std::{fs, iter};

use crate::testbed::KERNEL_NOTE;
use crate::{DebianTree, Error, Testbed, command, debian_packages, kernel_package};

/// Lines such as `sid nix-bin 2.34.0-1`: a suite, a package and its version.
const CHECKED: &str = include_str!("../debian-versions.txt");

/// Names each package whose version is not the one that the tests were last checked with.
///
/// # Errors
/// [`Error::NotDebian`] or [`Error::Start`].
pub fn version_changes(testbed: &Testbed) -> Result<Vec<String>, Error> {
    Ok(changes(CHECKED, &found(testbed)?))
}

/// The versions of this machine's packages, in the format of [`CHECKED`].
fn found(testbed: &Testbed) -> Result<String, Error> {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=bookworm ${Package} ${Version}\n"]);
    let installed = command::output(query.args(debian_packages::REQUIRED))?;
    let note = fs::read_to_string(testbed.directory().join(KERNEL_NOTE)).unwrap_or_default();
    let kernel = note.lines().find_map(|line| line.strip_prefix("version: "));
    let kernel = format!("bookworm {} {}\n", kernel_package::METAPACKAGE, kernel.unwrap_or("?"));
    let trees = DebianTree::ALL.map(|tree| tree.versions(testbed.directory()));
    let installed = String::from_utf8_lossy(&installed.stdout).into_owned();
    Ok(iter::once(installed).chain([kernel]).chain(trees).collect())
}

/// The lines of `found` that `checked` does not have.
fn changes(checked: &str, found: &str) -> Vec<String> {
    let is_new = |line: &&str| !checked.lines().any(|known| known == *line);
    let describe = |line: &str| {
        let package = line.rsplit_once(' ').map_or(line, |(package, _)| package);
        let version =
            |known: &str| known.strip_prefix(package)?.strip_prefix(' ').map(str::to_owned);
        let known = checked.lines().find_map(version);
        format!("{line}, checked with {}", known.unwrap_or_else(|| "none".to_owned()))
    };
    found.lines().filter(is_new).map(describe).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_package_with_another_version_is_named() {
        let checked = "sid ipxe 1.0\nsid ipxe-qemu 1.0\nbookworm curl 7.88\n";
        assert_eq!(changes(checked, "sid ipxe 1.0\nbookworm curl 7.88\n"), [""; 0]);
        assert_eq!(
            changes(checked, "sid ipxe 2.0\nsid ipxe-qemu 1.0\ntrixie curl 8.14\n"),
            ["sid ipxe 2.0, checked with 1.0", "trixie curl 8.14, checked with none"]
        );
    }

    #[test]
    fn the_tests_were_checked_with_every_package_that_they_need() {
        let package = |line: &str| line.rsplit_once(' ').unwrap().0.to_owned();
        let checked: BTreeSet<String> = CHECKED.lines().map(package).collect();
        let own = debian_packages::REQUIRED.iter().chain([&kernel_package::METAPACKAGE]);
        let trees = DebianTree::ALL.map(|tree| tree.versions("/no-such-directory".as_ref()));
        let trees = trees.concat();
        let needed = own.map(|name| format!("bookworm {name}")).chain(trees.lines().map(package));
        assert_eq!(checked, needed.collect());
    }
}
