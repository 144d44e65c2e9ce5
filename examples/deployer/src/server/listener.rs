//! Accepting connections and serving each of them, within the limits of the configuration.

use std::convert::Infallible;
use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use netboot_core::CancellationToken;
use tokio::net::TcpListener;

use super::activity::Activity;
use super::admission::{Admission, Limited, Place};
use super::connection::Connection;
use crate::app::App;
use crate::notices::Kind;

/// The maximum size of a request's line and headers, in bytes. iPXE sends a few hundred.
const LARGEST_HEAD: usize = 16 * 1024;
/// The maximum size of a connection's buffers, in bytes.
const LARGEST_BUFFER: usize = 64 * 1024;
/// The pause after a failure to accept a connection, for example because there are too many files.
const PAUSE: Duration = Duration::from_millis(200);
/// The name of this part in [`Health`](crate::health::Health).
const PART: &str = "connections";

/// The address of this machine at which a request arrived.
#[derive(Debug, Clone, Copy)]
pub(super) struct LocalAddress(pub(super) IpAddr);

/// Accepts connections until `stop` is cancelled. Then completes the current requests.
///
/// Only HTTP/1 is served: iPXE and UEFI know nothing else, and one request at a time on a
/// connection keeps the limit of connections a limit of work.
pub(super) async fn serve(
    app: &Arc<App>,
    listener: TcpListener,
    router: Router,
    stop: &CancellationToken,
) {
    let limits = &app.deployment.config.limits;
    let admission = Admission::new(limits.usable_connections(), limits.connections_per_peer);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_header_size(LARGEST_HEAD)
        .max_buf_size(LARGEST_BUFFER);
    let router = TowerToHyperService::new(router);
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_client(&error) => continue,
            Err(error) => {
                app.health.degrade(PART, &format!("cannot accept them: {error}"));
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        app.health.restore(PART);
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let (place, limited) = admission.admit(peer.ip());
        tell(app, limited);
        let (Some(place), Ok(local)) = (place, stream.local_addr()) else { continue };
        // The body follows the head at once. Otherwise each file on a kept connection waits 40 ms
        // for the client's delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        let activity = place.connection.activity.clone();
        let io = TokioIo::new(Connection::new(stream, limits.stall, activity.clone()));
        let (router, local) = (router.clone(), LocalAddress(local.ip().to_canonical()));
        let service = service_fn(move |mut request: Request<Incoming>| {
            let in_request = InRequest::begin(activity.clone());
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(local);
            let answer = router.call(request);
            async move {
                let response = answer.await?;
                let body = |body| Body::new(AnswerBody { body, _in_request: in_request });
                Ok::<_, Infallible>(response.map(body))
            }
        });
        let connection = graceful.watch(http.serve_connection(io, service));
        tokio::spawn(drive(app.clone(), place, peer.ip(), connection));
    }
    drop(listener);
    graceful.shutdown().await;
}

/// Drives a connection to its end, or until it has to make room for another one.
async fn drive(
    app: Arc<App>,
    place: Place,
    peer: IpAddr,
    connection: impl Future<Output = hyper::Result<()>>,
) {
    let ended = tokio::select! {
        () = place.connection.evicted.cancelled() => return,
        ended = connection => ended,
    };
    let Err(error) = ended else { return };
    let limits = &app.deployment.config.limits;
    let cause = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    if error.is_timeout() && place.connection.activity.is_incomplete() {
        let text = format!("did not send its request within {:?}: disconnected", limits.header);
        app.notices.tell(Kind::Slow, peer, &text);
    } else if cause.is_some_and(|cause| cause.kind() == ErrorKind::TimedOut) {
        let text = format!("does not read, or too slowly, for {:?}: disconnected", limits.stall);
        app.notices.tell(Kind::Slow, peer, &text);
    }
}

fn tell(app: &App, limited: Option<Limited>) {
    let (peer, text) = match limited {
        None => return,
        Some(Limited::Evicted(peer)) => (peer, "has too many connections: an idle one is closed"),
        Some(Limited::Refused(peer)) => (peer, "has too many connections: a new one is refused"),
    };
    app.notices.tell(Kind::Connections, peer, text);
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
struct AnswerBody {
    body: Body,
    _in_request: InRequest,
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
