//! Accepting connections and serving each of them, within limits.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use netboot_core::CancellationToken;
use tokio::net::TcpListener;

use crate::activity::Activity;
use crate::admission::{Admission, Limited, Place};
use crate::connection::Connection;
use crate::limits::Limits;
use crate::notice::Notice;

/// The maximum size of a request's line and headers, in bytes. iPXE sends a few hundred.
const LARGEST_HEAD: usize = 16 * 1024;
/// The maximum size of a connection's buffers, in bytes.
const LARGEST_BUFFER: usize = 64 * 1024;
/// The pause after a failure to accept a connection, for example because there are too many files.
const PAUSE: Duration = Duration::from_millis(200);

/// A web server with limits for its clients.
///
/// Only HTTP/1 is served: iPXE and UEFI know nothing else, and one request at a time on a
/// connection keeps the limit of connections a limit of work. If there are too many connections, an
/// idle one is closed for a new one: the longest idle one of the same address, or of the address
/// with the most connections. No connection is closed during a request.
///
/// ```
/// use std::sync::Arc;
/// use netboot_core::CancellationToken;
/// use netboot_publish::MemoryStore;
/// use netboot_serve::{Server, StoreView};
/// use tokio::net::TcpListener;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let view = StoreView::new(Arc::new(MemoryStore::new()));
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let stop = CancellationToken::new();
/// # stop.cancel();
/// let serve = move |request, _| {
///     let view = view.clone();
///     async move { view.answer(&request).await }
/// };
/// Server::new().serve(listener, &stop, serve).await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Server {
    limits: Limits,
    on_notice: Arc<dyn Fn(Notice) + Send + Sync>,
}

/// The two ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Client {
    /// The address and the port of the client.
    pub peer: SocketAddr,
    /// The address of this machine at which the client arrived.
    pub local: IpAddr,
}

impl Server {
    /// A server with the default [`Limits`].
    pub fn new() -> Self {
        Self { limits: Limits::default(), on_notice: Arc::new(|_| {}) }
    }

    /// Sets the limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the function that gets the events of the server. By default, nobody gets them.
    #[must_use]
    pub fn on_notice(mut self, on_notice: impl Fn(Notice) + Send + Sync + 'static) -> Self {
        self.on_notice = Arc::new(on_notice);
        self
    }

    /// Serves until `stop` is cancelled. Then accepts no more connections, closes those that are
    /// idle, and completes the current requests. Drop the future to break them off.
    pub async fn serve<A, F, B>(&self, listener: TcpListener, stop: &CancellationToken, answer: A)
    where
        A: Fn(Request<Incoming>, Client) -> F + Clone + Send + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let Limits { connections_per_peer, header, stall, .. } = self.limits;
        let admission = Admission::new(self.limits.usable_connections(), connections_per_peer);
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(header)
            .max_header_size(LARGEST_HEAD)
            .max_buf_size(LARGEST_BUFFER);
        let graceful = GracefulShutdown::new();
        // Dropping this future drops the connections too.
        let broken = CancellationToken::new();
        let _break = broken.clone().drop_guard();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_of_client(&error) => continue,
                Err(error) => {
                    (self.on_notice)(Notice::CannotAccept(error));
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            (self.on_notice)(Notice::Accepted);
            let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
            let (place, limited) = admission.admit(peer.ip());
            match limited {
                None => {}
                Some(Limited::Evicted(peer, limit)) => {
                    (self.on_notice)(Notice::Evicted { peer, limit });
                }
                Some(Limited::Refused(peer, limit)) => {
                    (self.on_notice)(Notice::Refused { peer, limit });
                }
            }
            let (Some(place), Ok(local)) = (place, stream.local_addr()) else { continue };
            let client = Client { peer, local: local.ip().to_canonical() };
            let activity = place.connection.activity.clone();
            let io = TokioIo::new(Connection::new(stream, stall, activity.clone()));
            let answer = answer.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let in_request = InRequest::begin(activity.clone());
                let answered = answer(request, client);
                async move {
                    let answer = answered.await;
                    let body = |body| AnswerBody { body: Box::pin(body), _in_request: in_request };
                    Ok::<_, Infallible>(answer.map(body))
                }
            });
            let connection = graceful.watch(http.serve_connection(io, service));
            let (server, broken) = (self.clone(), broken.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = broken.cancelled() => {}
                    () = server.drive(place, peer.ip(), connection) => {}
                }
            });
        }
        drop(listener);
        graceful.shutdown().await;
    }

    /// Drives a connection to its end, or until it has to make room for another one.
    async fn drive(
        &self,
        place: Place,
        peer: IpAddr,
        connection: impl Future<Output = hyper::Result<()>>,
    ) {
        let ended = tokio::select! {
            () = place.connection.evicted.cancelled() => return,
            ended = connection => ended,
        };
        let Err(error) = ended else { return };
        if error.is_user() {
            // A body failed, which is not the client's fault.
            return;
        }
        let cause = error.source().and_then(|source| source.downcast_ref::<io::Error>());
        if error.is_timeout() && place.connection.activity.is_incomplete() {
            (self.on_notice)(Notice::SlowRequest { peer, limit: self.limits.header });
        } else if cause.is_some_and(|cause| cause.kind() == ErrorKind::TimedOut) {
            (self.on_notice)(Notice::SlowReader { peer, limit: self.limits.stall });
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Returns true if the client has closed its connection before it was accepted.
fn is_of_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}

/// Marks a connection as busy.
struct InRequest(Arc<Activity>);

impl InRequest {
    fn begin(activity: Arc<Activity>) -> Self {
        activity.set_in_request(true);
        Self(activity)
    }
}

impl Drop for InRequest {
    fn drop(&mut self) {
        self.0.set_in_request(false);
    }
}

/// A body that marks its connection as busy until it has been sent.
struct AnswerBody<B> {
    body: Pin<Box<B>>,
    _in_request: InRequest,
}

impl<B: Body> Body for AnswerBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.body.as_mut().poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
