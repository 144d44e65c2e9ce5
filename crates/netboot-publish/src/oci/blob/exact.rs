//! A reader of a fixed number of bytes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// Reads so many bytes, and fails if there are fewer.
pub(super) struct Exact<R> {
    reader: R,
    left: u64,
}

impl<R> Exact<R> {
    pub(super) fn new(reader: R, length: u64) -> Self {
        Self { reader, left: length }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Exact<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let limit = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.remaining());
        if limit == 0 {
            return Poll::Ready(Ok(()));
        }
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(limit));
        ready!(Pin::new(&mut self.reader).poll_read(context, &mut part))?;
        let read = part.filled().len();
        if read == 0 {
            let problem = "the registry sent fewer bytes than the object has";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, problem)));
        }
        buffer.advance(read);
        self.left -= read as u64;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn fewer_bytes_are_an_error() {
        let read = async |length| {
            let mut bytes = Vec::new();
            Exact::new(&b"12345"[..], length).read_to_end(&mut bytes).await.map(|_| bytes)
        };
        assert_eq!(read(5).await.unwrap(), b"12345");
        assert_eq!(read(3).await.unwrap(), b"123");
        assert_eq!(read(6).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
