//! A web server for one directory, for as long as a test machine boots from it.

pub(crate) mod builder;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{Request as HttpRequest, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use netboot_core::CancellationToken;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower_http::services::ServeDir;
use url::Url;

use crate::error::Error;

/// How long [`DirectoryServer::stop`] waits for answers that are under way.
const STOP_TIME: Duration = Duration::from_secs(5);

/// Serves a directory over HTTP on `127.0.0.1`, at a port of its own, and keeps account of what
/// was fetched. It stops when it is dropped.
///
/// `GET` and `HEAD` with ranges; no listings, no index files. A path cannot lead out of the
/// directory by `..`; symbolic links are followed wherever they lead, since images are often
/// links into a store.
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

/// What is awaited before a request is answered.
type Hook = Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Request {
    /// Its method, such as `GET`.
    pub method: String,
    /// Its path as it was sent: percent-encoded, beginning with `/`, without the query.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// How many bytes the answer has, where its header says so. A client may have taken fewer.
    pub length: Option<u64>,
}

/// The requests that were answered, in their order.
type Log = Arc<Mutex<Vec<Request>>>;

#[derive(Clone)]
struct Account {
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
        let files = ServeDir::new(&directory).append_index_html_on_directories(false);
        let account = Account { log: log.clone(), hook };
        let service =
            Router::new().fallback_service(files).layer(from_fn_with_state(account, answer));
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let task = tokio::spawn(async move {
            let served = axum::serve(listener, service).with_graceful_shutdown(stopped).await;
            if let Err(error) = served {
                tracing::warn!(%error, "a directory server ended");
            }
        });
        Ok(Self { directory, address, log, stop, task: Some(task) })
    }

    /// The directory that is served.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a file, from its path below the directory; characters that a URL cannot have
    /// are percent-encoded.
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

    /// What was asked for, in the order in which it was answered.
    pub fn requests(&self) -> Vec<Request> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops: no new connection is taken, answers under way are given for up to five seconds.
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

/// Calls the hook, answers, and writes down what was answered.
async fn answer(
    State(account): State<Account>,
    request: HttpRequest<axum::body::Body>,
    next: Next,
) -> Response {
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    if let Some(hook) = &account.hook {
        hook(path.clone()).await;
    }
    let response = next.run(request).await;
    let length = response.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let answered = Request { method, path, status: response.status().as_u16(), length };
    tracing::debug!(?answered, "directory server");
    account.log.lock().unwrap_or_else(PoisonError::into_inner).push(answered);
    response
}
