//! The body of an answer: bytes in memory, or the bytes of a reader, whose number is known.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use hyper::body::{Body, Frame, SizeHint};
use netboot_core::{ArtifactReader, Sha256Digest, Sha256Hasher};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep};
use tokio_util::io::poll_read_buf;

use crate::problem::Problem;

/// The number of bytes that are read at once.
pub(crate) const CHUNK: usize = 64 * 1024;

/// The body of an answer of [`StoreView`](crate::StoreView). It holds the bytes of a small object,
/// or at most two chunks of 64 KiB of a larger one.
#[derive(Default)]
pub struct ViewBody {
    /// The bytes that come next. The last ones are held back until the reader has ended.
    next: Bytes,
    /// The rest of the object. `None` if `next` is all of it and may be sent.
    rest: Option<Rest>,
}

/// The rest of an object.
pub(crate) struct Rest {
    reader: ArtifactReader,
    /// The number of bytes that the reader has to give still.
    left: u64,
    /// The digest that all bytes have to have, and that of those which were read.
    digest: Option<(Sha256Digest, Sha256Hasher)>,
    buffer: BytesMut,
    /// The time for which the reader may give nothing.
    silence: Duration,
    /// Rings after that time, if the reader gives nothing at the moment.
    alarm: Option<Pin<Box<Sleep>>>,
    /// Gets the failure of the reader.
    on_failure: OnFailure,
    /// Counts the open object.
    _permit: OwnedSemaphorePermit,
}

pub(crate) type OnFailure = Box<dyn FnOnce(io::Error) + Send>;

impl ViewBody {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self { next: bytes, rest: None }
    }

    /// If the reader fails, or gives too few or too many or wrong bytes, the body fails before its
    /// last bytes. This breaks the connection: the client sees that the object is not whole.
    pub(crate) fn streamed(rest: Rest) -> Self {
        Self { next: Bytes::new(), rest: Some(rest) }
    }
}

impl Rest {
    /// The `length` bytes of a reader, which give this digest if there is one.
    pub(crate) fn new(
        reader: ArtifactReader,
        length: u64,
        digest: Option<Sha256Digest>,
        silence: Duration,
        on_failure: OnFailure,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            reader,
            left: length,
            digest: digest.map(|digest| (digest, Sha256Hasher::new())),
            buffer: BytesMut::new(),
            silence,
            alarm: None,
            on_failure,
            _permit: permit,
        }
    }

    /// The next bytes. `None` after the last ones, if the object is sound.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        // One byte more than the last tells an object that is too long.
        let most = usize::try_from(self.left).unwrap_or(CHUNK).clamp(1, CHUNK);
        self.buffer.reserve(most);
        let mut space = (&mut self.buffer).limit(most);
        let Poll::Ready(read) = poll_read_buf(self.reader.as_mut(), context, &mut space) else {
            let silence = self.silence;
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep(silence)));
            ready!(alarm.as_mut().poll(context));
            return Poll::Ready(Err(io::Error::other(Problem::Silent(silence))));
        };
        self.alarm = None;
        Poll::Ready(match (read?, self.left) {
            (0, 0) => {
                let digest = self.digest.take();
                let is_sound =
                    digest.is_none_or(|(expected, hasher)| hasher.finish().0 == expected);
                if is_sound { Ok(None) } else { Err(io::Error::other(Problem::WrongDigest)) }
            }
            (0, _) => Err(io::ErrorKind::UnexpectedEof.into()),
            (_, 0) => Err(io::Error::other(Problem::Longer)),
            _ => {
                let bytes = self.buffer.split().freeze();
                if let Some((_, hasher)) = &mut self.digest {
                    hasher.update(&bytes);
                }
                self.left -= bytes.len() as u64;
                Ok(Some(bytes))
            }
        })
    }
}

impl Body for ViewBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        while let Some(rest) = &mut this.rest {
            if rest.left > 0 && !this.next.is_empty() {
                break;
            }
            match ready!(rest.poll_read(context)) {
                Ok(Some(bytes)) => this.next = bytes,
                Ok(None) => this.rest = None,
                Err(error) => {
                    this.next = Bytes::new();
                    // hyper only needs to know that it failed.
                    let kind = error.kind();
                    if let Some(rest) = this.rest.take() {
                        (rest.on_failure)(error);
                    }
                    return Poll::Ready(Some(Err(kind.into())));
                }
            }
        }
        let next = std::mem::take(&mut this.next);
        Poll::Ready((!next.is_empty()).then(|| Ok(Frame::data(next))))
    }

    fn is_end_stream(&self) -> bool {
        self.next.is_empty() && self.rest.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.rest.as_ref().map_or(0, |rest| rest.left);
        SizeHint::with_exact(self.next.len() as u64 + left)
    }
}

impl fmt::Debug for ViewBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewBody")
            .field("next", &self.next.len())
            .field("left", &self.rest.as_ref().map_or(0, |rest| rest.left))
            .finish_non_exhaustive()
    }
}
