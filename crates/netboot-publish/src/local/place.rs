//! The one name of a directory, which several paths may lead to.

use std::path::{Component, Path, PathBuf};

/// The number of links that are followed, as Linux does.
const LINKS: u32 = 40;

/// A path without links and `..`, the same for every path that leads there. The last parts of it
/// may be missing.
pub(super) fn real(path: &Path) -> PathBuf {
    follow(path, LINKS)
}

fn follow(path: &Path, links: u32) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut real = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            real.pop();
        } else {
            real.push(part);
        }
        if let (Ok(to), Some(above), 1..) = (real.read_link(), real.parent(), links) {
            real = follow(&above.join(to), links - 1);
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
            assert_eq!(real(&root.join(path)), root.join(name), "{path}");
        }
    }
}
