//! Garbage collector roots: links that protect the parts of images, in a directory for each
//! profile.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use netboot_core::{ProfileName, Sha256Digest};

use crate::build_log::file_system_time;
use crate::error::Error;

/// The directory with the roots of a profile.
pub(crate) fn directory(state: &Path, profile: &ProfileName) -> PathBuf {
    state.join("roots").join(profile.as_str())
}

/// The path of the first root of `store_paths`. Its name depends on the store paths, so that builds
/// of one profile at the same time do not share roots. The next build uses or removes the roots of
/// a killed build.
pub(crate) fn first(directory: &Path, store_paths: &[&str]) -> PathBuf {
    let digest = Sha256Digest::of(store_paths.join("\n").as_bytes());
    directory.join(digest.to_string())
}

/// The root that Nix makes for the output `name` of the derivation with this `number`, counted from
/// 1, if `first` is its first root (`realisePath` in Nix's `nix-store.cc`).
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

/// Checks that a root protects the output that the evaluation named. The name comes from the
/// flake's code, which can claim anything.
pub(crate) fn check(root: &Path, store_path: &str, attribute: String) -> Result<(), Error> {
    let kept = std::fs::read_link(root).map_err(|source| Error::io("read", root, source))?;
    if kept == Path::new(store_path) {
        return Ok(());
    }
    let problem =
        format!("its output is {store_path} by its own account, but Nix built {}", kept.display());
    Err(Error::UnusableValue { attribute, problem: problem.into() })
}

/// Removes the roots of earlier builds of any profile, except those in `in_use`, so that Nix may
/// collect the store paths. That includes roots of killed builds and of abandoned profiles.
pub(crate) fn remove_old(
    state: &Path,
    in_use: &BTreeSet<PathBuf>,
    keep: Duration,
) -> Result<(), Error> {
    let all = state.join("roots");
    for profile in entries(&all)? {
        if profile.is_dir() {
            remove_old_in(&profile, in_use, keep)?;
        }
    }
    Ok(())
}

fn remove_old_in(
    directory: &Path,
    in_use: &BTreeSet<PathBuf>,
    keep: Duration,
) -> Result<(), Error> {
    let failed = |source| Error::io("clean", directory, source);
    let now = file_system_time(directory)?;
    for path in entries(directory)? {
        let metadata = path.symlink_metadata().map_err(failed)?;
        let age = now.duration_since(metadata.modified().map_err(failed)?);
        let is_old = age.is_ok_and(|age| age > keep);
        if metadata.is_symlink() && is_old && !in_use.contains(&path) {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
    }
    // A directory with roots stays.
    let _ = std::fs::remove_dir(directory);
    Ok(())
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::io("list", directory, source);
    let entries = match std::fs::read_dir(directory) {
        // There was no build yet.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
}
