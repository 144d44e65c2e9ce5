//! Checks of the output directory before a build that may take an hour.

use std::path::{Path, PathBuf};

use netboot_core::{Error, Report};

use crate::misuse::Misuse;
use crate::places::is_one_directory;
use crate::publication::Destination;

/// Creates the output directory, and refuses one whose folders would get mixed up with others.
///
/// # Errors
/// If the directory is inside the flake, or is a target too.
pub(super) fn prepare_output(
    directory: &Path,
    flake: &str,
    destinations: &[Destination],
) -> Result<(), Report> {
    if let Some(flake) = plain_directory(flake) {
        let output = std::path::absolute(directory).map_err(|e| Error::io("find", directory, e))?;
        if output.starts_with(&flake) {
            return Err(Misuse::report(
                format!(
                    "`{}` is inside the flake `{}`: Nix copies the whole flake, so each image \
                     would become part of the source of the next one",
                    directory.display(),
                    flake.display()
                ),
                "choose an --output-dir outside the flake, or put the flake into git: then Nix \
                 copies only the tracked files",
            ));
        }
    }
    std::fs::create_dir_all(directory).map_err(|e| Error::io("create", directory, e))?;
    let targets = destinations.iter().filter_map(|destination| destination.target.directory());
    for target in targets {
        if is_one_directory(target, directory) {
            return Err(Misuse::report(
                format!("`{}` cannot be both --output-dir and a target", directory.display()),
                "choose a directory below it for the target, such as `pxe`, so that their folders \
                 do not mix",
            ));
        }
    }
    Ok(())
}

/// The directory of a flake that Nix copies as a whole: a local directory that is not in git.
fn plain_directory(reference: &str) -> Option<PathBuf> {
    let (is_path, path) = match reference.strip_prefix("path:") {
        Some(path) => (true, path),
        None => (false, reference),
    };
    let directory = Path::new(path.split('?').next()?).canonicalize().ok()?;
    if !directory.join("flake.nix").exists() {
        // The builder says that there is no flake.
        return None;
    }
    let in_git = || directory.ancestors().any(|above| above.join(".git").exists());
    (is_path || !in_git()).then_some(directory)
}
