//! Artifacts that are files on this machine.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use crate::artifact::{Artifact, ArtifactReader};
use crate::artifact_kind::ArtifactKind;
use crate::blocking::blocking;
use crate::context::Context;
use crate::digest::{Sha256Digest, Sha256Hasher};
use crate::error::Error;
use crate::name::FileName;

/// An artifact that is a file on this machine.
///
/// It is hashed once, when it is opened first. Later readers compare size, modification time and
/// inode with what was hashed, so that a file that was rewritten meanwhile is an error and not a
/// torn release.
#[derive(Debug, Clone)]
pub struct FileArtifact {
    kind: ArtifactKind,
    file_name: FileName,
    path: PathBuf,
    identity: Identity,
    sha256: Sha256Digest,
}

/// What tells a file that was hashed from one that was changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

impl FileArtifact {
    /// Opens the file at `path`, follows symbolic links to it, and hashes it on a thread of its
    /// own. Hashing stops when `context` is cancelled.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::NotAFile`], [`Error::EmptyArtifact`] (but
    /// for logs, which may be empty), [`Error::ArtifactChanged`] when it grows or shrinks
    /// meanwhile, [`Error::Cancelled`].
    pub async fn open(
        kind: ArtifactKind,
        file_name: FileName,
        path: impl AsRef<Path>,
        context: &Context,
    ) -> Result<Self, Error> {
        let path = path.as_ref();
        let path = tokio::fs::canonicalize(path)
            .await
            .map_err(|source| Error::io("open", path, source))?;
        let (context, _guard) = context.until_dropped();
        let hashing = {
            let path = path.clone();
            blocking(move || hash(kind, &path, &context))
        };
        let (identity, sha256) = hashing.await?;
        Ok(Self { kind, file_name, path, identity, sha256 })
    }

    /// Where the file lies, with symbolic links resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn hash(
    kind: ArtifactKind,
    path: &Path,
    context: &Context,
) -> Result<(Identity, Sha256Digest), Error> {
    let failed = |source| Error::io("read", path, source);
    // Asked before it is opened: opening a named pipe waits for its writer.
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(Error::NotAFile { path: path.to_owned() });
    }
    let mut file = File::open(path).map_err(failed)?;
    if metadata.len() == 0 && kind != ArtifactKind::BuildLog {
        return Err(Error::EmptyArtifact { kind, path: path.to_owned() });
    }
    let mut hasher = Sha256Hasher::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        context.check()?;
        match file.read(&mut buffer).map_err(failed)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    let (sha256, length) = hasher.finish();
    let identity = Identity::of(&file.metadata().map_err(failed)?);
    if identity != Identity::of(&metadata) || identity.size != length {
        return Err(Error::ArtifactChanged { path: path.to_owned() });
    }
    Ok((identity, sha256))
}

#[async_trait]
impl Artifact for FileArtifact {
    fn kind(&self) -> ArtifactKind {
        self.kind
    }

    fn file_name(&self) -> &FileName {
        &self.file_name
    }

    fn size(&self) -> u64 {
        self.identity.size
    }

    fn sha256(&self) -> Sha256Digest {
        self.sha256
    }

    async fn open(&self) -> Result<ArtifactReader, Error> {
        let failed = |source| Error::io("read", &self.path, source);
        let file = tokio::fs::File::open(&self.path).await.map_err(failed)?;
        let metadata = file.metadata().await.map_err(failed)?;
        if Identity::of(&metadata) != self.identity {
            return Err(Error::ArtifactChanged { path: self.path.clone() });
        }
        Ok(Box::pin(file))
    }

    fn local_path(&self) -> Option<&Path> {
        Some(&self.path)
    }
}
