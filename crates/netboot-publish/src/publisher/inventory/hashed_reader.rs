//! A reader that checks the digest of what passes through it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use netboot_core::{ArtifactReader, Content, Sha256Hasher};
use tokio::io::{AsyncRead, ReadBuf};

/// Passes the bytes of an object on, and fails unless all of them have the expected size and
/// digest.
pub(crate) struct HashedReader {
    inner: ArtifactReader,
    expected: Content,
    hasher: Sha256Hasher,
    read: u64,
}

impl HashedReader {
    pub(crate) fn new(inner: ArtifactReader, expected: Content) -> Self {
        Self { inner, expected, hasher: Sha256Hasher::new(), read: 0 }
    }
}

impl AsyncRead for HashedReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(self.inner.as_mut().poll_read(context, buffer))?;
        let new = buffer.filled().get(before..).unwrap_or_default();
        self.hasher.update(new);
        self.read += new.len() as u64;
        let expected = self.expected;
        // A caller may stop after the announced size, so the last bytes are held back until the
        // digest is right.
        let is_sound = self.read < expected.size && !new.is_empty()
            || self.read == expected.size && self.hasher.clone().finish().0 == expected.sha256;
        if is_sound {
            return Poll::Ready(Ok(()));
        }
        buffer.set_filled(before);
        let problem = format!("its bytes do not have the SHA-256 digest {}", expected.sha256);
        Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, problem)))
    }
}
