//! The trait of artifacts, the files of a release with their digests.

use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::io::AsyncRead;

use crate::artifact_kind::ArtifactKind;
use crate::digest::Sha256Digest;
use crate::error::Error;
use crate::name::FileName;

/// Reads the bytes of an artifact from the first one.
pub type ArtifactReader = Pin<Box<dyn AsyncRead + Send>>;

/// One file of an image or a release: its name, its size, its digest and its bytes.
///
/// [`FileArtifact`](crate::FileArtifact) is an artifact on disk,
/// [`BytesArtifact`](crate::BytesArtifact) one in memory; a caller adds its own by implementing
/// this trait:
///
/// ```
/// use netboot_core::{
///     Artifact, ArtifactKind, ArtifactReader, Error, FileName, Sha256Digest, async_trait,
/// };
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
/// 2. They never change, and the methods return at once. The code that creates the artifact hashes
///    it once. Other code hashes it again only with a reason.
/// 3. `open` may be called any number of times, also while other readers are open. Each reader
///    begins at the first byte.
/// 4. If the bytes have changed since they were hashed, `open` or the reader fails.
#[async_trait]
pub trait Artifact: fmt::Debug + Send + Sync {
    /// The role of the artifact for the machine that boots.
    fn kind(&self) -> ArtifactKind;

    /// The artifact's name for people and scripts, such as `bzImage`.
    fn file_name(&self) -> &FileName;

    /// The size in bytes.
    fn size(&self) -> u64;

    /// The digest of the bytes.
    fn sha256(&self) -> Sha256Digest;

    /// Opens the artifact for reading.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::ArtifactChanged`] if it was changed after it
    /// was hashed.
    async fn open(&self) -> Result<ArtifactReader, Error>;

    /// The path of the file with exactly these bytes on this machine, if there is one. A store may
    /// then share blocks with the file, or pass the path to a program.
    fn local_path(&self) -> Option<&Path> {
        None
    }

    /// Returns true if nobody changes the bytes of the file at [`local_path`](Self::local_path),
    /// although the file may be deleted. A store may then let a program read the file at any time.
    /// It copies other files first if a change while the program reads would publish wrong bytes.
    fn is_immutable(&self) -> bool {
        false
    }
}

/// Implements the trait for a pointer.
macro_rules! forward_artifact {
    ($pointer:ident) => {
        #[async_trait]
        impl<A: Artifact + ?Sized> Artifact for $pointer<A> {
            fn kind(&self) -> ArtifactKind {
                (**self).kind()
            }

            fn file_name(&self) -> &FileName {
                (**self).file_name()
            }

            fn size(&self) -> u64 {
                (**self).size()
            }

            fn sha256(&self) -> Sha256Digest {
                (**self).sha256()
            }

            async fn open(&self) -> Result<ArtifactReader, Error> {
                (**self).open().await
            }

            fn local_path(&self) -> Option<&Path> {
                (**self).local_path()
            }

            fn is_immutable(&self) -> bool {
                (**self).is_immutable()
            }
        }
    };
}

// Several images and releases can share an artifact, and a caller can keep any kind of one.
forward_artifact!(Arc);
forward_artifact!(Box);
