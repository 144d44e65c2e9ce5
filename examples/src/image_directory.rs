//! The output directory of the runbook: a folder for each profile, with all that boots it.

use std::path::Path;

use netboot_core::{Artifact, Error, Image};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;

/// Writes `<directory>/<profile>/` with the kernel, the initrds, `netboot.ipxe` (the text
/// `script`) and `build.log`, each under its own file name.
///
/// The folder appears as a whole: it is written beside its place and then exchanged with the one
/// that is there, so a web server that serves the directory never has a kernel of one build and
/// an initrd of another. A machine in mid-boot can still fetch its kernel before and its initrd
/// after the exchange; publish a release where that matters.
///
/// # Errors
/// [`Error::Io`] and [`Error::ArtifactChanged`]; what was there before is then still there.
pub async fn write_image_directory(
    directory: &Path,
    image: &Image,
    script: &str,
) -> Result<(), Error> {
    tokio::fs::create_dir_all(directory).await.map_err(|e| Error::io("create", directory, e))?;
    let new = temporary_directory(directory)?;
    let place = directory.join(image.profile().as_str());
    for artifact in image.payload().chain(image.build_log()) {
        write_artifact(&new.path().join(artifact.file_name().as_str()), artifact.as_ref()).await?;
    }
    let script_path = new.path().join("netboot.ipxe");
    tokio::fs::write(&script_path, script)
        .await
        .map_err(|source| Error::io("write", &script_path, source))?;
    let failed = |source: rustix::io::Errno| Error::io("replace", &place, source.into());
    if place.exists() {
        renameat_with(CWD, new.path(), CWD, &place, RenameFlags::EXCHANGE).map_err(failed)?;
        // What was there is in the temporary directory now and goes with it.
    } else {
        renameat_with(CWD, new.path(), CWD, &place, RenameFlags::NOREPLACE).map_err(failed)?;
        // The temporary directory has become the place; there is nothing left to remove.
        let _ = new.keep();
    }
    Ok(())
}

/// Puts the log of a failed build where the runbook looks for it, `<directory>/<profile>/build.log`;
/// the image of an earlier build stays beside it.
///
/// # Errors
/// [`Error::Io`].
pub async fn write_build_log(directory: &Path, profile: &str, log: &Path) -> Result<(), Error> {
    let folder = directory.join(profile);
    tokio::fs::create_dir_all(&folder).await.map_err(|e| Error::io("create", &folder, e))?;
    let place = folder.join("build.log");
    tokio::fs::copy(log, &place).await.map_err(|source| Error::io("write", &place, source))?;
    Ok(())
}

fn temporary_directory(parent: &Path) -> Result<TempDir, Error> {
    use std::os::unix::fs::PermissionsExt;

    // A web server, which is another user, has to read it.
    tempfile::Builder::new()
        .prefix(".new-")
        .permissions(std::fs::Permissions::from_mode(0o755))
        .tempdir_in(parent)
        .map_err(|source| Error::io("create a directory in", parent, source))
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
