//! What a release is made of: files on disk and bytes in memory, each with its digest.

use std::fmt;
use std::path::Path;
use std::pin::Pin;

use async_trait::async_trait;
use tokio::io::AsyncRead;

use crate::artifact_kind::ArtifactKind;
use crate::digest::Sha256Digest;
use crate::error::Error;
use crate::name::FileName;

/// The bytes of an artifact, from its first.
pub type ArtifactReader = Pin<Box<dyn AsyncRead + Send>>;

/// One file of an image or a release: its name, its size, its digest and its bytes.
///
/// [`FileArtifact`](crate::FileArtifact) is one on disk, [`BytesArtifact`](crate::BytesArtifact) one in memory; a caller adds its own by
/// implementing this trait:
///
/// ```
/// use async_trait::async_trait;
/// use netboot_core::{Artifact, ArtifactKind, ArtifactReader, Error, FileName, Sha256Digest};
///
/// /// A layer of 4096 zero bytes, never held in memory.
/// #[derive(Debug)]
/// struct Padding { name: FileName }
///
/// #[async_trait]
/// impl Artifact for Padding {
///     fn kind(&self) -> ArtifactKind { ArtifactKind::Initrd }
///     fn file_name(&self) -> &FileName { &self.name }
///     fn size(&self) -> u64 { 4096 }
///     fn sha256(&self) -> Sha256Digest { Sha256Digest::of(&[0; 4096]) }
///     async fn open(&self) -> Result<ArtifactReader, Error> {
///         use tokio::io::AsyncReadExt;
///         Ok(Box::pin(tokio::io::repeat(0).take(4096)))
///     }
/// }
/// # let padding: Box<dyn Artifact> = Box::new(Padding { name: FileName::new("padding")? });
/// # Ok::<(), Error>(())
/// ```
///
/// # Contract
/// 1. `size` and `sha256` describe exactly the bytes that a reader from `open` yields.
/// 2. They never change, and asking for them costs nothing: whoever makes the artifact hashes it
///    once, and nobody hashes it again without cause.
/// 3. `open` may be called any number of times, at once too; each reader begins at the first byte.
/// 4. Where the bytes are no longer those that were hashed, `open` or the reader fails.
#[async_trait]
pub trait Artifact: fmt::Debug + Send + Sync {
    /// What it is to the machine that boots.
    fn kind(&self) -> ArtifactKind;

    /// The name it has for people and scripts, such as `bzImage`.
    fn file_name(&self) -> &FileName;

    /// Its size in bytes.
    fn size(&self) -> u64;

    /// The digest of its bytes.
    fn sha256(&self) -> Sha256Digest;

    /// Opens it for reading.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::ArtifactChanged`] when it is no longer what
    /// was hashed.
    async fn open(&self) -> Result<ArtifactReader, Error>;

    /// Where its bytes lie on this machine, if they are a file of their own: a store may then
    /// share blocks with it, or hand the path to a program.
    fn local_path(&self) -> Option<&Path> {
        None
    }
}
