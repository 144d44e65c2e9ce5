//! The output directory of `netboot build`: for each profile, a folder with the files that boot it.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use netboot_core::{
    Architecture, Artifact, Closure, DocumentKind, Error, Image, ProfileName, Report, Sha256Digest,
};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use tempfile::{NamedTempFile, TempDir};
use tokio::io::AsyncWriteExt;

use crate::exchange::exchange;

/// The files in a folder, except the kernel, the UKI and the documents.
const OWN_FILES: [&str; 4] = ["netboot.ipxe", "build.log", "initrd", CLOSURE];

/// The description of a closure, and the directory with its files. `PrebuiltImage::directory` reads
/// both.
const CLOSURE: &str = "closure.json";
const BLOBS: &str = "blobs";

/// Refuses an output directory if a folder for one of `profiles` contains files that this program
/// did not write, because the whole folder is replaced.
///
/// # Errors
/// If there is such a file, which the error names.
pub(crate) fn check_image_directory<'a>(
    directory: &Path,
    profiles: impl IntoIterator<Item = &'a ProfileName>,
) -> Result<(), Report> {
    if directory.join("current.ipxe").exists() || directory.join("releases").exists() {
        return Err(Report::message(
            format!("releases are published to `{}`", directory.display()),
            "choose another --output-dir, so that its folders and those of a release do not get mixed up",
        ));
    }
    for profile in profiles {
        if let Some(foreign) = find_foreign(&directory.join(profile.as_str()))? {
            return Err(Report::message(
                format!("`{}` was not written by netboot", foreign.display()),
                "move it away, or choose another --output-dir: netboot replaces the whole folder",
            ));
        }
    }
    Ok(())
}

/// A file in the place of a folder, or in it, that this program did not write.
fn find_foreign(place: &Path) -> Result<Option<PathBuf>, Error> {
    let metadata = match place.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(|source| Error::io("look at", place, source))?,
    };
    if !metadata.is_dir() {
        return Ok(Some(place.to_owned()));
    }
    let is_uki = |name: &str| {
        let profile = place.file_name().and_then(|profile| profile.to_str());
        name.strip_suffix(".efi").is_some_and(|stem| Some(stem) == profile)
    };
    let is_own = |name: &str| {
        OWN_FILES.contains(&name)
            || is_uki(name)
            || DocumentKind::ALL.iter().any(|kind| kind.file_name() == name)
            || Architecture::ALL.iter().any(|a| a.kernel_file_name() == name)
    };
    let blobs = place.join(BLOBS);
    match find_other(place, |name| is_own(name) || name == BLOBS && blobs.is_dir())? {
        None if blobs.is_dir() => find_other(&blobs, |name| name.parse::<Sha256Digest>().is_ok()),
        found => Ok(found),
    }
}

/// A file in a directory that is not a file of its own, or has another name.
fn find_other(directory: &Path, is_own: impl Fn(&str) -> bool) -> Result<Option<PathBuf>, Error> {
    let failed = |source| Error::io("read", directory, source);
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (name, kind) = (entry.file_name(), entry.file_type().map_err(failed)?);
        let is_expected = kind.is_file() || name == BLOBS && kind.is_dir();
        if !is_expected || !name.to_str().is_some_and(&is_own) {
            return Ok(Some(entry.path()));
        }
    }
    Ok(None)
}

/// Writes `<directory>/<profile>/` with the kernel, the initrd, the UKI, `netboot.ipxe` (the text
/// `script`) and `build.log`, and with the documents, each under its own file name. The files of a
/// closure are `blobs/<sha256>`, where machines look for them, and `closure.json` describes them.
///
/// The folder appears as a whole: it is written beside its place and then exchanged with the
/// existing folder. A web server that serves the directory therefore never has the kernel of one
/// build and the initrd of another. A machine that is booting can still fetch its kernel before the
/// exchange and its initrd after it; if that matters, publish a release.
///
/// # Errors
/// The errors of [`check_image_directory`], [`Error::Io`] and [`Error::ArtifactChanged`]. The
/// existing folder then stays.
pub(crate) async fn write_image_directory(
    directory: &Path,
    image: &Image,
    script: &str,
) -> Result<(), Report> {
    check_image_directory(directory, [image.profile()])?;
    let new = temporary_directory(directory)?;
    let place = directory.join(image.profile().as_str());
    let documents = image.documents().values();
    for artifact in image.boot_files().chain(image.build_log()).chain(documents) {
        write_artifact(&new.path().join(artifact.file_name().as_str()), artifact.as_ref()).await?;
    }
    if let Some(closure) = image.closure() {
        write_closure(new.path(), closure).await?;
    }
    let script_path = new.path().join("netboot.ipxe");
    tokio::fs::write(&script_path, script)
        .await
        .map_err(|source| Error::io("write", &script_path, source))?;
    let failed = |source| Error::io("replace", &place, source);
    if place.exists() {
        exchange(new.path(), &place).map_err(failed)?;
        // The old folder is now in the temporary directory, and is removed with it.
    } else {
        renameat_with(CWD, new.path(), CWD, &place, RenameFlags::NOREPLACE)
            .map_err(|error| failed(error.into()))?;
        // The temporary directory is now the folder; nothing is left to remove.
        let _ = new.keep();
    }
    Ok(())
}

/// Puts the log of a failed build in the place that the runbook names,
/// `<directory>/<profile>/build.log`. The image of an earlier build stays beside it.
///
/// # Errors
/// The errors of [`check_image_directory`], and [`Error::Io`].
pub(crate) fn write_build_log(
    directory: &Path,
    profile: &ProfileName,
    log: &Path,
) -> Result<(), Report> {
    check_image_directory(directory, [profile])?;
    let folder = directory.join(profile.as_str());
    let place = folder.join("build.log");
    let write = || {
        std::fs::create_dir_all(&folder)?;
        let new = NamedTempFile::new_in(&folder)?;
        std::fs::copy(log, new.path())?;
        std::fs::set_permissions(new.path(), PermissionsExt::from_mode(0o644))?;
        new.persist(&place)?;
        Ok(())
    };
    Ok(write().map_err(|source: io::Error| Error::io("write", &place, source))?)
}

fn temporary_directory(parent: &Path) -> Result<TempDir, Error> {
    // The web server runs as another user and has to read it.
    tempfile::Builder::new()
        .prefix(".new-")
        .permissions(PermissionsExt::from_mode(0o755))
        .tempdir_in(parent)
        .map_err(|source| Error::io("create a directory in", parent, source))
}

async fn write_closure(folder: &Path, closure: &Closure) -> Result<(), Error> {
    let (description, blobs) = (folder.join(CLOSURE), folder.join(BLOBS));
    let failed = |path: &Path, source| Error::io("write", path, source);
    let json = serde_json::to_vec_pretty(&closure.manifest())
        .map_err(|error| failed(&description, error.into()))?;
    tokio::fs::write(&description, json).await.map_err(|error| failed(&description, error))?;
    tokio::fs::create_dir(&blobs).await.map_err(|error| failed(&blobs, error))?;
    for artifact in closure.artifacts() {
        let path = blobs.join(artifact.sha256().to_string());
        // Each build has most of the files of the one before. A link to the builder's cache takes
        // no room. On another file system there are no links.
        let link = artifact.local_path().map(|file| std::fs::hard_link(file, &path));
        if link.is_none_or(|linked| linked.is_err()) {
            write_artifact(&path, artifact.as_ref()).await?;
        }
    }
    Ok(())
}

async fn write_artifact(path: &Path, artifact: &dyn Artifact) -> Result<(), Error> {
    let failed = |source| Error::io("write", path, source);
    let mut reader = artifact.open().await?;
    let mut file = tokio::fs::File::create(path).await.map_err(failed)?;
    let written = tokio::io::copy(&mut reader, &mut file).await.map_err(failed)?;
    file.flush().await.map_err(failed)?;
    if written != artifact.size() {
        return Err(Error::ArtifactChanged { path: path.to_owned() });
    }
    Ok(())
}
