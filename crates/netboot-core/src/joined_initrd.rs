//! All initrds of an image as one file.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll, ready};

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use crate::artifact::{Artifact, ArtifactReader};
use crate::artifact_kind::ArtifactKind;
use crate::bytes_artifact::BytesArtifact;
use crate::context::Context;
use crate::digest::{Sha256Digest, Sha256Hasher};
use crate::error::Error;
use crate::image::Image;
use crate::name::FileName;

/// The positions at which Linux takes an uncompressed archive for one are the multiples of this
/// number of bytes (`unpack_to_rootfs` in the kernel's `init/initramfs.c`).
const ALIGNMENT: u64 = 4;

/// The number of bytes that are hashed at a time.
const PIECE: usize = 256 * 1024;

/// All initrds of an image in order, as one file. This is for loaders that take only one initrd,
/// such as `kexec`.
///
/// Each initrd begins at a multiple of four bytes, after zeros, which Linux skips. iPXE passes
/// several initrds to Linux in the same way.
#[derive(Debug, Clone)]
pub struct JoinedInitrd {
    file_name: FileName,
    parts: Vec<Arc<dyn Artifact>>,
    size: u64,
    sha256: Sha256Digest,
}

impl JoinedInitrd {
    /// Joins the initrds of an image. Several initrds are read once, to hash the whole.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] for a text that is not a file name. The errors of
    /// [`Artifact::open`], [`Error::Io`], [`Error::ArtifactChanged`] if the initrds have another
    /// size than they had, [`Error::Cancelled`].
    pub async fn new<N: TryInto<FileName>>(
        file_name: N,
        image: &Image,
        context: &Context,
    ) -> Result<Self, Error>
    where
        Error: From<N::Error>,
    {
        let file_name = file_name.try_into()?;
        let mut parts: Vec<Arc<dyn Artifact>> = Vec::new();
        let mut size: u64 = 0;
        for initrd in image.initrds() {
            let missing = size.next_multiple_of(ALIGNMENT) - size;
            if missing > 0 {
                let zeros: Vec<u8> = (0..missing).map(|_| 0).collect();
                parts.push(Arc::new(BytesArtifact::new(ArtifactKind::Initrd, "zeros", zeros)?));
            }
            size = size.saturating_add(missing).saturating_add(initrd.size());
            parts.push(initrd.clone());
        }
        let mut joined = Self { file_name, parts, size, sha256: Sha256Digest::from_bytes([0; 32]) };
        joined.sha256 = match &joined.parts[..] {
            [only] => only.sha256(),
            _ => joined.hash(context).await?,
        };
        Ok(joined)
    }

    async fn hash(&self, context: &Context) -> Result<Sha256Digest, Error> {
        let failed = |source| Error::io("read", self.file_name.as_str(), source);
        let mut reader = self.open().await?;
        let (mut hasher, mut piece) = (Sha256Hasher::new(), vec![0; PIECE]);
        loop {
            context.check()?;
            match reader.read(&mut piece).await.map_err(failed)? {
                0 => break,
                read => hasher.update(&piece[..read]),
            }
        }
        match hasher.finish() {
            (sha256, size) if size == self.size => Ok(sha256),
            _ => Err(Error::ArtifactChanged { path: self.file_name.as_str().into() }),
        }
    }
}

#[async_trait]
impl Artifact for JoinedInitrd {
    fn kind(&self) -> ArtifactKind {
        ArtifactKind::Initrd
    }

    fn file_name(&self) -> &FileName {
        &self.file_name
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn sha256(&self) -> Sha256Digest {
        self.sha256
    }

    async fn open(&self) -> Result<ArtifactReader, Error> {
        let mut left = VecDeque::from(self.parts.clone());
        let now = match left.pop_front() {
            Some(first) => first.open().await?,
            None => Box::pin(tokio::io::empty()),
        };
        Ok(Box::pin(JoinedReader { now: Now::Reading(now), left }))
    }
}

type Opening = Pin<Box<dyn Future<Output = Result<ArtifactReader, Error>> + Send>>;

/// Reads artifacts one after another. It opens each one as late as possible, because a store may
/// close a connection that nobody reads from.
struct JoinedReader {
    now: Now,
    left: VecDeque<Arc<dyn Artifact>>,
}

enum Now {
    Opening(Opening),
    Reading(ArtifactReader),
}

impl AsyncRead for JoinedReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Task<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match &mut self.now {
                Now::Opening(opening) => {
                    let opened = ready!(opening.as_mut().poll(task));
                    // A future that is finished must not be polled again.
                    self.now = Now::Reading(Box::pin(tokio::io::empty()));
                    match opened {
                        Ok(opened) => self.now = Now::Reading(opened),
                        Err(error) => {
                            self.left.clear();
                            return Poll::Ready(Err(io::Error::other(error)));
                        }
                    }
                }
                Now::Reading(reader) => {
                    let before = buffer.filled().len();
                    ready!(reader.as_mut().poll_read(task, buffer))?;
                    if buffer.filled().len() > before || buffer.remaining() == 0 {
                        return Poll::Ready(Ok(()));
                    }
                    let Some(next) = self.left.pop_front() else { return Poll::Ready(Ok(())) };
                    self.now = Now::Opening(Box::pin(async move { next.open().await }));
                }
            }
        }
    }
}
