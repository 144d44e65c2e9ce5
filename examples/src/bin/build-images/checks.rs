//! Checks before a build that may take an hour: its output has a place to go.

use std::path::{Path, PathBuf};

use netboot_core::{Error, Profile, Report};
use netboot_examples::check_image_directory;
use netboot_publish::Publisher;

use crate::arguments::Arguments;

/// Creates the output directory, and refuses a directory that other programs use.
pub(crate) fn check_output<'a>(
    arguments: &Arguments,
    profiles: impl IntoIterator<Item = &'a dyn Profile>,
) -> Result<(), Report> {
    let directory = &arguments.output_dir;
    if let Some(flake) = plain_directory(&arguments.flake) {
        let output = std::path::absolute(directory).map_err(|e| Error::io("find", directory, e))?;
        if output.starts_with(&flake) {
            return Err(Report::message(
                format!(
                    "`{}` is inside the flake `{}`: Nix copies the whole flake, so each image would \
                     become part of the source of the next one",
                    directory.display(),
                    flake.display()
                ),
                "choose an --output-dir outside the flake, or put the flake into git: then Nix \
                 copies only the tracked files",
            ));
        }
    }
    std::fs::create_dir_all(directory).map_err(|e| Error::io("create", directory, e))?;
    check_image_directory(directory, profiles.into_iter().map(Profile::name))
}

/// Refuses a directory that cannot be published to.
pub(crate) async fn check_target(
    arguments: &Arguments,
    directory: &Path,
    publisher: &Publisher,
) -> Result<(), Report> {
    let place = |path: &Path| path.canonicalize().ok();
    if place(directory).is_some() && place(directory) == place(&arguments.output_dir) {
        return Err(Report::message(
            format!("`{}` cannot be both --output-dir and --pxe-dir", directory.display()),
            "choose a directory below it for --pxe-dir, such as `pxe`, so that their folders do not mix",
        ));
    }
    let parent = std::path::absolute(directory).map_err(|e| Error::io("find", directory, e))?;
    if let Some(parent) = parent.parent()
        && !parent.is_dir()
    {
        let path = parent.to_owned();
        return Err(netboot_publish::Error::NoSuchDirectory { path }.into());
    }
    // This also finds a target that cannot be read, and a damaged pointer.
    publisher.live().await?;
    Ok(())
}

/// The directory of a flake that Nix copies as a whole: a local directory that is not in git.
fn plain_directory(reference: &str) -> Option<PathBuf> {
    let (is_path, path) = match reference.strip_prefix("path:") {
        Some(path) => (true, path),
        None => (false, reference),
    };
    let directory = Path::new(path.split('?').next()?).canonicalize().ok()?;
    let in_git = || directory.ancestors().any(|above| above.join(".git").exists());
    (is_path || !in_git()).then_some(directory)
}
