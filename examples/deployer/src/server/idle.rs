//! Idle connections: of machines that were switched off during a download, and of clients that
//! connect and send no request. Without a limit, they would stay open forever.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep};

/// A listener that ends a connection after a time without data.
#[derive(Debug)]
pub(super) struct IdleLimit {
    listener: TcpListener,
    limit: Duration,
}

impl IdleLimit {
    /// Bytes in both directions count, including those that keep a stream alive.
    pub(super) fn new(listener: TcpListener, limit: Duration) -> Self {
        Self { listener, limit }
    }
}

impl Listener for IdleLimit {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        (Connection::new(stream, self.limit), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that fails after it was idle for too long.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    limit: Duration,
    /// The time of the last data.
    used: Instant,
    alarm: Pin<Box<Sleep>>,
}

impl Connection {
    fn new(stream: TcpStream, limit: Duration) -> Self {
        Self { stream, limit, used: Instant::now(), alarm: Box::pin(sleep(limit)) }
    }

    /// Sends each small piece as soon as it is written.
    pub(super) fn set_nodelay(&self) -> io::Result<()> {
        self.stream.set_nodelay(true)
    }

    /// The outcome of reading or writing, or an error if it took too long.
    fn watch<T>(
        &mut self,
        outcome: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.used = Instant::now();
            return outcome;
        }
        loop {
            ready!(self.alarm.as_mut().poll(context));
            let end = self.used + self.limit;
            if end <= Instant::now() {
                return Poll::Ready(Err(ErrorKind::TimedOut.into()));
            }
            // Resetting the alarm at each write would cost more.
            self.alarm.as_mut().reset(end);
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.watch(outcome, context)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(outcome, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(outcome, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_connection_lasts_as_long_as_something_goes_over_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let limit = Duration::from_millis(400);
        let (mut connection, _) = IdleLimit::new(listener, limit).accept().await;
        let begin = Instant::now();
        let (mut reader, mut writer) = tokio::io::split(&mut connection);
        // It is written to for longer than the limit, while nothing is read.
        let written = async {
            for _ in 0..8 {
                sleep(limit / 4).await;
                writer.write_all(b"x").await.unwrap();
            }
        };
        let mut buffer = [0];
        let (failure, ()) = tokio::join!(reader.read(&mut buffer), written);
        assert_eq!(failure.unwrap_err().kind(), ErrorKind::TimedOut);
        assert!(begin.elapsed() >= limit * 2 + limit, "{:?}", begin.elapsed());
        drop(connection);
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"xxxxxxxx");
    }
}
