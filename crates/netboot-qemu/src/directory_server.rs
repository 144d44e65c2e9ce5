//! A web server for one directory, for as long as a test machine boots from it.

pub(crate) mod builder;

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::CONTENT_LENGTH;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use netboot_core::CancellationToken;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower_http::services::ServeDir;
use tower_http::services::fs::{DefaultServeDirFallback, ServeFileSystemResponseBody};
use url::Url;

use crate::error::Error;
use crate::files_beneath::FilesBeneath;

/// The time that [`DirectoryServer::stop`] waits for answers under way.
const STOP_TIME: Duration = Duration::from_secs(5);

/// The time that a server waits after it failed to accept a connection, for example because the
/// process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Serves a directory over HTTP on a free port of `127.0.0.1`, and records the requests. It stops
/// when it is dropped.
///
/// It answers `GET` and `HEAD`, also with ranges, but serves no listings and no index files. A path
/// cannot leave the directory, neither with `..` nor through a symbolic link: see [`FilesBeneath`].
///
/// ```
/// use netboot_qemu::DirectoryServer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let directory = directory.path();
/// let server = DirectoryServer::start(directory).await?;
/// assert!(server.url("worker/netboot.ipxe").as_str().starts_with("http://127.0.0.1:"));
/// assert!(server.requests().is_empty());
/// # Ok(())
/// # }
/// ```
pub struct DirectoryServer {
    directory: PathBuf,
    address: SocketAddr,
    log: Log,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

/// The function that the server calls and awaits before it answers a request.
type Hook = Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// An answered request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Request {
    /// The method, such as `GET`.
    pub method: String,
    /// The path as the client sent it: percent-encoded, beginning with `/`, without the query.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// The number of bytes in the answer, if its header states it. The client may have read fewer.
    pub length: Option<u64>,
}

/// The answered requests, in order.
type Log = Arc<Mutex<Vec<Request>>>;

/// Answers the requests of all connections.
struct Responder {
    files: TowerToHyperService<ServeDir<DefaultServeDirFallback, FilesBeneath>>,
    log: Log,
    hook: Option<Hook>,
}

impl DirectoryServer {
    async fn serve(directory: PathBuf, hook: Option<Hook>) -> Result<Self, Error> {
        let missing = |source| Error::DirectoryMissing { path: directory.clone(), source };
        let metadata = tokio::fs::metadata(&directory).await.map_err(missing)?;
        if !metadata.is_dir() {
            return Err(missing(std::io::ErrorKind::NotADirectory.into()));
        }
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let bind = |source| Error::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;

        let log = Log::default();
        let files = ServeDir::with_backend("", FilesBeneath::new(&directory));
        let files = files.append_index_html_on_directories(false);
        let files = TowerToHyperService::new(files);
        let responder = Arc::new(Responder { files, log: log.clone(), hook });
        let stop = CancellationToken::new();
        let task = tokio::spawn(accept(listener, responder, stop.clone()));
        Ok(Self { directory, address, log, stop, task: Some(task) })
    }

    /// The directory that the server serves.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL of a file from its path below the directory. It percent-encodes the
    /// characters that a URL cannot have.
    pub fn url(&self, path: &str) -> Url {
        let mut url = self.root();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.trim_start_matches('/').split('/'));
        }
        url
    }

    fn root(&self) -> Url {
        #[expect(clippy::expect_used, reason = "an address and a port always make a URL")]
        Url::parse(&format!("http://{}/", self.address)).expect("the URL of a socket address")
    }

    /// Returns the requests, in the order in which the server answered them.
    pub fn requests(&self) -> Vec<Request> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops the server. It accepts no new connections, and waits up to five seconds for the
    /// answers under way.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(STOP_TIME, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

impl Drop for DirectoryServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl fmt::Debug for DirectoryServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { directory, address, .. } = self;
        f.debug_struct("DirectoryServer")
            .field("directory", directory)
            .field("address", address)
            .finish_non_exhaustive()
    }
}

/// Accepts connections until `stop` is cancelled, then waits for the answers under way.
async fn accept(listener: TcpListener, responder: Arc<Responder>, stop: CancellationToken) {
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a directory server cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // The body follows the head at once. Otherwise each file on a kept connection waits 40 ms
        // for the client's delayed acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection stays slow");
        }
        let responder = responder.clone();
        let service = service_fn(move |request| {
            let responder = responder.clone();
            async move { responder.answer(request).await }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            // A machine that is switched off breaks its connections.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to a directory server broke");
            }
        });
    }
    drop(listener);
    connections.shutdown().await;
}

impl Responder {
    /// Calls the hook, answers the request, and records it.
    async fn answer(
        &self,
        request: hyper::Request<Incoming>,
    ) -> Result<hyper::Response<ServeFileSystemResponseBody>, Infallible> {
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        if let Some(hook) = &self.hook {
            hook(path.clone()).await;
        }
        let response = self.files.call(request).await?;
        let length = response.headers().get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        let answered = Request { method, path, status: response.status().as_u16(), length };
        tracing::debug!(?answered, "directory server");
        self.log.lock().unwrap_or_else(PoisonError::into_inner).push(answered);
        Ok(response)
    }
}
