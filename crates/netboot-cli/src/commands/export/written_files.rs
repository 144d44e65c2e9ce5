//! Writes the files of a tree into a new directory, and checks each by its digest.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use netboot_core::{Artifact, Context, Error, Sha256Digest, Sha256Hasher};
use netboot_ipxe::kexec::KexecFile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The number of bytes that are copied at a time.
const PIECE: usize = 256 * 1024;

/// Writes files into an empty directory. Returns their names and digests.
///
/// # Errors
/// [`Error::ArtifactChanged`] if a file has other bytes than it had when it was hashed,
/// [`Error::Io`], [`Error::Cancelled`].
pub(super) async fn write_files(
    files: &[KexecFile],
    directory: &Path,
    context: &Context,
) -> Result<BTreeMap<String, Sha256Digest>, Error> {
    let mut written = BTreeMap::new();
    for file in files {
        let path = directory.join(file.name);
        let mode = if file.is_program { 0o755 } else { 0o644 };
        write(file.content.as_ref(), &path, mode, context).await?;
        written.insert(file.name.to_owned(), file.content.sha256());
    }
    Ok(written)
}

/// Writes a file that does not exist yet, and checks it by its digest.
///
/// # Errors
/// The errors of [`write_files`].
pub(super) async fn write(
    artifact: &dyn Artifact,
    path: &Path,
    mode: u32,
    context: &Context,
) -> Result<(), Error> {
    let writing = |source| Error::io("write", path, source);
    let mut reader = artifact.open().await?;
    let mut file = tokio::fs::File::create_new(path).await.map_err(writing)?;
    let (mut hasher, mut piece) = (Sha256Hasher::new(), vec![0; PIECE]);
    loop {
        context.check()?;
        let read = reader.read(&mut piece).await;
        let read =
            read.map_err(|source| Error::io("read", artifact.file_name().as_str(), source))?;
        if read == 0 {
            break;
        }
        hasher.update(&piece[..read]);
        file.write_all(&piece[..read]).await.map_err(writing)?;
    }
    if hasher.finish() != (artifact.sha256(), artifact.size()) {
        return Err(Error::ArtifactChanged { path: artifact.file_name().as_str().into() });
    }
    file.set_permissions(Permissions::from_mode(mode)).await.map_err(writing)?;
    file.sync_all().await.map_err(writing)
}
