//! The connections of the web servers for test machines.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use netboot_core::CancellationToken;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

use crate::error::Error;

/// The time that [`HttpServer::stop`] waits for answers under way.
const STOP_TIME: Duration = Duration::from_secs(5);

/// The time that a server waits after it failed to accept a connection, for example because the
/// process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// A web server on a free port of `127.0.0.1`. It stops when it is dropped.
#[derive(Debug)]
pub(crate) struct HttpServer {
    address: SocketAddr,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Starts a server that answers each request with `answer`.
    ///
    /// # Errors
    /// [`Error::Bind`].
    pub(crate) async fn start<A, F, B>(answer: A) -> Result<Self, Error>
    where
        A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body<Data: Send, Error: Into<Box<dyn StdError + Send + Sync>>> + Send + 'static,
    {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let bind = |source| Error::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(accept(listener, answer, stop.clone()));
        Ok(Self { address, stop, task: Some(task) })
    }

    /// The address that the server listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL of a path. It percent-encodes the characters that a URL cannot have.
    pub(crate) fn url(&self, path: &str) -> Url {
        #[expect(clippy::expect_used, reason = "an address and a port always make a URL")]
        let mut url =
            Url::parse(&format!("http://{}/", self.address)).expect("the URL of a socket address");
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.trim_start_matches('/').split('/'));
        }
        url
    }

    /// Stops the server. It accepts no new connections, and waits up to five seconds for the
    /// answers under way.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(STOP_TIME, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Accepts connections until `stop` is cancelled, then waits for the answers under way.
async fn accept<A, F, B>(listener: TcpListener, answer: A, stop: CancellationToken)
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn StdError + Send + Sync>>> + Send + 'static,
{
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a web server cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // The body follows the head at once. Otherwise each file on a kept connection waits 40 ms
        // for the client's delayed acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection stays slow");
        }
        let answer = answer.clone();
        let service = service_fn(move |request| {
            let answered = answer(request);
            async move { Ok::<_, Infallible>(answered.await) }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            // A machine that is switched off breaks its connections.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to a web server broke");
            }
        });
    }
    drop(listener);
    connections.shutdown().await;
}
