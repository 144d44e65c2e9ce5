//! Artifacts that are files on this machine.

use std::fs::Metadata;
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
use crate::event::{Event, Phase, Unit};
use crate::invalid_value::InvalidValue;
use crate::name::FileName;
use crate::regular_file::open_regular_file;

/// An artifact that is a file on this machine.
///
/// [`open`](Self::open) hashes the file once. Later readers compare the size, the modification time
/// and the inode with those of the hashed file. So a file that was rewritten in the meantime causes
/// an error instead of a torn release.
#[derive(Debug, Clone)]
pub struct FileArtifact {
    kind: ArtifactKind,
    file_name: FileName,
    path: PathBuf,
    identity: Identity,
    sha256: Sha256Digest,
    is_immutable: bool,
}

/// The directory of Nix, which never changes the files in it.
const NIX_STORE: &str = "/nix/store";

/// The number of bytes between two reports of the progress. Smaller files are hashed in no time.
const REPORT: u64 = 8 * 1024 * 1024;

/// The metadata that show whether a file has changed since it was hashed.
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
    /// Opens the file at `path`, following symbolic links, and hashes it on a separate thread.
    /// Hashing stops when `context` is cancelled. Large files report their progress to it.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read, [`Error::NotAFile`], [`Error::EmptyArtifact`]
    /// (only build logs may be empty), [`Error::ArtifactChanged`] if the file changes while it is
    /// hashed, [`Error::Cancelled`].
    pub async fn open(
        kind: ArtifactKind,
        file_name: impl TryInto<FileName, Error: Into<InvalidValue>>,
        path: impl AsRef<Path>,
        context: &Context,
    ) -> Result<Self, Error> {
        let file_name = file_name.try_into().map_err(Into::into)?;
        let path = path.as_ref();
        let path = tokio::fs::canonicalize(path)
            .await
            .map_err(|source| Error::io("open", path, source))?;
        let (context, _guard) = context.until_dropped();
        let hashing = {
            let (path, name) = (path.clone(), file_name.clone());
            blocking(move || hash(kind, &name, &path, &context))
        };
        let (identity, sha256) = hashing.await?;
        Ok(Self::new(kind, file_name, path, identity, sha256))
    }

    /// Opens the file at `path` without hashing it. `sha256` is its digest, which the caller
    /// computed when it wrote the file, or checked since then. Whoever reads the artifact finds a
    /// wrong digest only by hashing the bytes, as a publisher does while it sends them.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::NotAFile`], [`Error::EmptyArtifact`].
    pub fn with_known_digest(
        kind: ArtifactKind,
        file_name: FileName,
        path: impl AsRef<Path>,
        sha256: Sha256Digest,
    ) -> Result<Self, Error> {
        let path = path.as_ref();
        let path = path.canonicalize().map_err(|source| Error::io("open", path, source))?;
        let metadata = open_regular_file(&path)?
            .metadata()
            .map_err(|source| Error::io("read", &path, source))?;
        if metadata.len() == 0 {
            return Err(Error::EmptyArtifact { kind, path });
        }
        Ok(Self::new(kind, file_name, path, Identity::of(&metadata), sha256))
    }

    fn new(
        kind: ArtifactKind,
        file_name: FileName,
        path: PathBuf,
        identity: Identity,
        sha256: Sha256Digest,
    ) -> Self {
        let is_immutable = path.starts_with(NIX_STORE);
        Self { kind, file_name, path, identity, sha256, is_immutable }
    }

    /// Promises that nobody changes the bytes of the file: see
    /// [`is_immutable`](Artifact::is_immutable). Files in the Nix store have this promise already.
    /// Give it only for files that your program alone writes, once, before it opens them: if
    /// another program changes a file while it is published, machines may get wrong bytes.
    #[must_use]
    pub fn with_immutable(mut self, is_immutable: bool) -> Self {
        self.is_immutable = is_immutable;
        self
    }

    /// Returns the path of the file, with symbolic links resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn hash(
    kind: ArtifactKind,
    name: &FileName,
    path: &Path,
    context: &Context,
) -> Result<(Identity, Sha256Digest), Error> {
    let failed = |source| Error::io("read", path, source);
    let mut file = open_regular_file(path)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.len() == 0 && kind != ArtifactKind::BuildLog {
        return Err(Error::EmptyArtifact { kind, path: path.to_owned() });
    }
    let mut hasher = Sha256Hasher::new();
    let mut buffer = vec![0; 256 * 1024];
    let (mut done, mut reported) = (0, 0);
    loop {
        context.check()?;
        let read = file.read(&mut buffer).map_err(failed)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        done += u64::try_from(read).unwrap_or(u64::MAX);
        if done - reported >= REPORT || reported > 0 && done == metadata.len() {
            reported = done;
            context.emit(Event::Progress {
                phase: Phase::Hashing,
                profile: None,
                subject: name.to_string(),
                done,
                total: Some(metadata.len().max(done)),
                unit: Unit::Bytes,
            });
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
        let path = self.path.clone();
        let file = tokio::fs::File::from_std(blocking(move || open_regular_file(path)).await?);
        let metadata = file.metadata().await.map_err(failed)?;
        if Identity::of(&metadata) != self.identity {
            return Err(Error::ArtifactChanged { path: self.path.clone() });
        }
        Ok(Box::pin(file))
    }

    fn local_path(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn is_immutable(&self) -> bool {
        self.is_immutable
    }
}
