//! The place of a target, which several texts may name.

use std::path::{Component, Path, PathBuf};

use netboot_publish::Publisher;

use crate::target::Target;

/// The place of a target, the same for every text that names it: a directory without links and
/// `..`, or the place as the store names it.
pub(crate) fn place_of(target: &Target, publisher: &Publisher) -> String {
    match target.directory() {
        Some(path) => real_path(path).display().to_string(),
        None => publisher.store().to_string(),
    }
}

/// A path without links and `..`. The last parts of it may be missing.
pub(crate) fn real_path(path: &Path) -> PathBuf {
    real(path, LINKS)
}

/// The number of links that are followed, as Linux does.
const LINKS: u32 = 40;

fn real(path: &Path, links: u32) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut real = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            real.pop();
        } else {
            real.push(part);
        }
        if let (Ok(to), Some(above), 1..) = (real.read_link(), real.parent(), links) {
            real = self::real(&above.join(to), links - 1);
        }
    }
    real
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_directory_has_one_name() {
        let root = TempDir::new().unwrap();
        let root = root.path().canonicalize().unwrap();
        fs::create_dir(root.join("pxe")).unwrap();
        symlink("pxe", root.join("link")).unwrap();
        symlink("gone", root.join("dangling")).unwrap();
        symlink("round", root.join("round")).unwrap();
        for (path, name) in [
            ("pxe", "pxe"),
            ("./pxe/", "pxe"),
            ("link", "pxe"),
            ("pxe/../link/new", "pxe/new"),
            ("missing/../pxe", "pxe"),
            ("missing/one", "missing/one"),
            ("dangling/one", "gone/one"),
            ("round", "round"),
        ] {
            assert_eq!(real(&root.join(path), LINKS), root.join(name), "{path}");
        }
    }
}
