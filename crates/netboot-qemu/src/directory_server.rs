//! A web server for one directory, for as long as a test machine boots from it.

pub(crate) mod builder;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::body::Incoming;
use hyper::header::CONTENT_LENGTH;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde::Serialize;
use tower_http::services::ServeDir;
use tower_http::services::fs::{DefaultServeDirFallback, ServeFileSystemResponseBody};
use url::Url;

use crate::error::Error;
use crate::files_beneath::FilesBeneath;
use crate::http_server::HttpServer;

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
    server: HttpServer,
    log: Log,
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
        let log = Log::default();
        let files = ServeDir::with_backend("", FilesBeneath::new(&directory));
        let files = files.append_index_html_on_directories(false);
        let files = TowerToHyperService::new(files);
        let responder = Arc::new(Responder { files, log: log.clone(), hook });
        let server = HttpServer::start(move |request| {
            let responder = responder.clone();
            async move { responder.answer(request).await }
        });
        Ok(Self { directory, server: server.await?, log })
    }

    /// The directory that the server serves.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns the URL of a file from its path below the directory. It percent-encodes the
    /// characters that a URL cannot have.
    pub fn url(&self, path: &str) -> Url {
        self.server.url(path)
    }

    /// Returns the requests, in the order in which the server answered them.
    pub fn requests(&self) -> Vec<Request> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops the server. It accepts no new connections, and waits up to five seconds for the
    /// answers under way.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

impl fmt::Debug for DirectoryServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryServer")
            .field("directory", &self.directory)
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

impl Responder {
    /// Calls the hook, answers the request, and records it.
    async fn answer(
        &self,
        request: hyper::Request<Incoming>,
    ) -> hyper::Response<ServeFileSystemResponseBody> {
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        if let Some(hook) = &self.hook {
            hook(path.clone()).await;
        }
        let response = self.files.call(request).await.unwrap_or_else(|never| match never {});
        let length = response.headers().get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        let answered = Request { method, path, status: response.status().as_u16(), length };
        tracing::debug!(?answered, "directory server");
        self.log.lock().unwrap_or_else(PoisonError::into_inner).push(answered);
        response
    }
}
