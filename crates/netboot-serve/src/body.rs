//! The body of an answer: bytes in memory, and then bytes of a reader, up to a known length.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, SizeHint};
use netboot_core::ArtifactReader;
use tokio_util::io::poll_read_buf;

/// The number of bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// The body of an answer of [`StoreView`](crate::StoreView). It holds one chunk in memory.
#[derive(Default)]
pub struct ViewBody {
    /// The bytes that come first.
    first: Bytes,
    /// The reader of the bytes after them.
    reader: Option<ArtifactReader>,
    /// The number of bytes that the reader has to give still.
    left: u64,
    buffer: BytesMut,
    /// Gets the failure of the reader.
    on_failure: Option<OnFailure>,
}

type OnFailure = Box<dyn FnOnce(io::Error) + Send>;

impl ViewBody {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self { first: bytes, ..Self::default() }
    }

    /// A body of `first` and of `left` bytes of the reader. If the reader fails or ends early, the
    /// body fails, which breaks the connection: the client sees that the object is not whole.
    pub(crate) fn streamed(
        first: Bytes,
        reader: ArtifactReader,
        left: u64,
        on_failure: impl FnOnce(io::Error) + Send + 'static,
    ) -> Self {
        let (reader, on_failure) = (Some(reader), Some(Box::new(on_failure) as OnFailure));
        Self { first, reader, left, buffer: BytesMut::new(), on_failure }
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let Some(reader) = &mut self.reader else { return Poll::Ready(Ok(Bytes::new())) };
        let most = usize::try_from(self.left).unwrap_or(CHUNK).min(CHUNK);
        self.buffer.reserve(most);
        let read = ready!(poll_read_buf(reader.as_mut(), context, &mut self.buffer))?;
        if read == 0 {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        let mut bytes = self.buffer.split().freeze();
        // An object that became larger was replaced.
        bytes.truncate(most);
        self.left -= bytes.len() as u64;
        Poll::Ready(Ok(bytes))
    }
}

impl Body for ViewBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.first)))));
        }
        if self.left == 0 {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(match ready!(self.poll_read(context)) {
            Ok(bytes) => Ok(Frame::data(bytes)),
            Err(error) => {
                self.left = 0;
                // hyper only needs to know that it failed.
                let kind = error.kind();
                if let Some(on_failure) = self.on_failure.take() {
                    on_failure(error);
                }
                Err(kind.into())
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.first.len() as u64 + self.left)
    }
}

impl fmt::Debug for ViewBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewBody")
            .field("first", &self.first.len())
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}
