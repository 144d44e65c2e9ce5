//! A connection whose client has to take what it asked for.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::net::sockopt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use crate::activity::Activity;

/// The minimum rate at which a client has to read, in bytes per second. The slowest networks from
/// which machines boot are a thousand times as fast.
const LEAST: u64 = 1024;
/// The size of the system's buffer for each client, in bytes. Linux reports progress only when a
/// third of it is free. Its default of several megabytes would hide the progress of a slow client.
const SEND_BUFFER: usize = 512 * 1024;

/// A connection that fails if its client reads too slowly. Only the time counts in which this
/// service waits for the client: a stream without events may be silent.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    activity: Arc<Activity>,
    limit: Duration,
    /// The time for which it has waited since the counters were reset.
    waited: Duration,
    /// The bytes that the client has taken since then.
    taken: u64,
    /// The start of the current wait.
    waits_since: Option<Instant>,
    alarm: Pin<Box<Sleep>>,
}

impl Connection {
    /// After each wait of `limit` in total, the client must have read 1 KiB for each second of it.
    pub(crate) fn new(stream: TcpStream, limit: Duration, activity: Arc<Activity>) -> Self {
        set_options(&stream, limit);
        let (waited, taken, waits_since) = (Duration::ZERO, 0, None);
        let alarm = Box::pin(sleep(limit));
        Self { stream, activity, limit, waited, taken, waits_since, alarm }
    }

    /// The outcome of writing, or an error if the client is too slow.
    fn watch(
        &mut self,
        outcome: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let now = Instant::now();
        if let Some(since) = self.waits_since.take() {
            self.waited += now - since;
        }
        if let Poll::Ready(written) = &outcome {
            let written = written.as_ref().ok().and_then(|written| u64::try_from(*written).ok());
            self.taken += written.unwrap_or(0);
            self.activity.set_unsent(false);
        }
        if self.waited >= self.limit {
            if self.taken < LEAST * self.limit.as_secs().max(1) {
                return Poll::Ready(Err(ErrorKind::TimedOut.into()));
            }
            (self.waited, self.taken) = (Duration::ZERO, 0);
        }
        if outcome.is_pending() {
            self.activity.set_unsent(true);
            self.waits_since = Some(now);
            self.alarm.as_mut().reset(now + self.limit.saturating_sub(self.waited));
            if self.alarm.as_mut().poll(context).is_ready() {
                context.waker().wake_by_ref();
            }
        }
        outcome
    }
}

/// Sends each event at once, without Nagle's delay, and gives up a client that acknowledges
/// nothing, such as a machine that was switched off. This fails for a connection that is already
/// closed.
fn set_options(stream: &TcpStream, limit: Duration) {
    let _ = stream.set_nodelay(true);
    let _ = sockopt::set_socket_send_buffer_size(stream, SEND_BUFFER);
    let limit = u32::try_from(limit.as_millis()).unwrap_or(u32::MAX);
    let _ = sockopt::set_tcp_user_timeout(stream, limit);
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.activity.received();
        }
        outcome
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
    use tokio::net::TcpListener;

    use super::*;

    /// A connection with this limit, and its client.
    async fn pair(limit: Duration) -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        (Connection::new(stream, limit, Arc::new(Activity::new())), client)
    }

    /// Writes until it fails.
    async fn flood(connection: &mut Connection) -> ErrorKind {
        let bytes = vec![0; 64 * 1024];
        loop {
            if let Err(error) = connection.write_all(&bytes).await {
                return error.kind();
            }
        }
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_given_up() {
        let (mut connection, _client) = pair(Duration::from_millis(300)).await;
        let begin = Instant::now();
        assert_eq!(flood(&mut connection).await, ErrorKind::TimedOut);
        assert!(begin.elapsed() >= Duration::from_millis(300));
    }

    #[tokio::test]
    async fn a_client_that_reads_one_byte_at_a_time_is_given_up() {
        let (mut connection, mut client) = pair(Duration::from_millis(300)).await;
        let reads = async {
            let mut byte = [0];
            // It reads until the connection ends, at 10 bytes per second.
            while client.read(&mut byte).await.is_ok_and(|read| read > 0) {
                sleep(Duration::from_millis(100)).await;
            }
        };
        let failure = async {
            let failure = flood(&mut connection).await;
            drop(connection);
            failure
        };
        tokio::select! {
            failure = failure => assert_eq!(failure, ErrorKind::TimedOut),
            () = reads => panic!("the client reads for ever"),
        }
    }

    #[tokio::test]
    async fn a_slow_client_gets_everything() {
        let (mut connection, mut client) = pair(Duration::from_secs(2)).await;
        let length = 4 * 1024 * 1024;
        let reads = async {
            let (mut buffer, mut total) = (vec![0; 16 * 1024], 0);
            while total < length {
                total += client.read(&mut buffer).await?;
                sleep(Duration::from_millis(5)).await;
            }
            Ok(())
        };
        let bytes = vec![0; length];
        tokio::try_join!(connection.write_all(&bytes), reads).unwrap();
    }

    #[tokio::test]
    async fn a_silent_connection_without_unsent_data_stays_open() {
        let limit = Duration::from_millis(100);
        let (mut connection, mut client) = pair(limit).await;
        let mut byte = [0];
        connection.write_all(b"x").await.unwrap();
        assert!(tokio::time::timeout(limit * 3, connection.read(&mut byte)).await.is_err());
        connection.write_all(b"y").await.unwrap();
        let mut received = [0; 2];
        client.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"xy");
    }
}
