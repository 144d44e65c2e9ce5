//! What keeps images from Nix's garbage collector: a link for each part, in a directory for each
//! profile.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use netboot_core::{ProfileName, Sha256Digest};

use crate::error::Error;

/// The directory with the roots of a profile.
pub(crate) fn directory(state: &Path, profile: &ProfileName) -> PathBuf {
    state.join("roots").join(profile.as_str())
}

/// The first of the roots of some store paths. It is named by what they keep, so that builds of one
/// profile at once do not take each other's, and a build that was killed leaves roots that the next
/// one uses or removes.
pub(crate) fn first(directory: &Path, store_paths: &[&str]) -> PathBuf {
    let digest = Sha256Digest::of(store_paths.join("\n").as_bytes());
    directory.join(digest.to_string())
}

/// The root that Nix makes for the output `name` of the derivation of this `number`, from 1 on,
/// when it is to make roots from the `first` on (Nix's `nix-store.cc`, `realisePath`).
pub(crate) fn root(first: &Path, number: usize, name: &str) -> PathBuf {
    let mut root = first.as_os_str().to_owned();
    if number > 1 {
        root.push(format!("-{number}"));
    }
    if name != "out" {
        root.push(format!("-{name}"));
    }
    root.into()
}

/// Checks that a root keeps what the evaluation called the output of its derivation: that comes
/// from the flake's code, which can say anything.
pub(crate) fn check(root: &Path, store_path: &str, attribute: String) -> Result<(), Error> {
    let kept = std::fs::read_link(root).map_err(|source| Error::io("read", root, source))?;
    if kept == Path::new(store_path) {
        return Ok(());
    }
    let problem = format!("it calls {store_path} its output, and builds {}", kept.display());
    Err(Error::UnusableValue { attribute, problem })
}

/// Removes the roots of earlier builds of any profile but for `taken`, so that Nix may collect what
/// they keep: those of a build that was killed, and of a profile that nobody builds any more, too.
pub(crate) fn remove_old(
    state: &Path,
    taken: &BTreeSet<PathBuf>,
    keep: Duration,
) -> Result<(), Error> {
    let all = state.join("roots");
    for profile in entries(&all)? {
        if profile.is_dir() {
            remove_old_in(&profile, taken, keep)?;
        }
    }
    Ok(())
}

fn remove_old_in(directory: &Path, taken: &BTreeSet<PathBuf>, keep: Duration) -> Result<(), Error> {
    let failed = |source| Error::io("clean", directory, source);
    for path in entries(directory)? {
        let metadata = path.symlink_metadata().map_err(failed)?;
        let age = metadata.modified().map_err(failed)?.elapsed();
        let is_old = age.is_ok_and(|age| age > keep);
        if metadata.is_symlink() && is_old && !taken.contains(&path) {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
    }
    // One that still has something in it stays.
    let _ = std::fs::remove_dir(directory);
    Ok(())
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::io("list", directory, source);
    let entries = match std::fs::read_dir(directory) {
        // Nothing was built yet.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
}
