//! A web server for the content of a store.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::CONTENT_LENGTH;
use hyper::{Method, Request, Response, StatusCode};
use netboot_core::ReleasePath;
use netboot_publish::{Entry, Store};
use tokio_util::io::ReaderStream;
use url::Url;

use crate::error::Error;
use crate::http_server::HttpServer;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Serves the content of any store over HTTP on a free port of `127.0.0.1`. A virtual machine on
/// this host can then boot from a bucket or from the disk of another machine. The server stops when
/// it is dropped.
///
/// It answers `GET` and `HEAD`, without ranges. It serves only the objects of the publishing
/// library, and not the links of the old layout.
///
/// ```
/// use std::sync::Arc;
/// use netboot_core::layout;
/// use netboot_publish::MemoryStore;
/// use netboot_qemu::StoreServer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), netboot_qemu::Error> {
/// let server = StoreServer::start(Arc::new(MemoryStore::new())).await?;
/// assert!(server.url(&layout::boot_script()).as_str().ends_with("/boot.ipxe"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct StoreServer {
    server: HttpServer,
}

impl StoreServer {
    /// Starts to serve `store`.
    ///
    /// # Errors
    /// [`Error::Bind`].
    pub async fn start(store: Arc<dyn Store>) -> Result<Self, Error> {
        let server = HttpServer::start(move |request| {
            let store = store.clone();
            async move { answer(store.as_ref(), &request).await }
        });
        Ok(Self { server: server.await? })
    }

    /// The address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The URL of an object.
    pub fn url(&self, path: &ReleasePath) -> Url {
        self.server.url(path.as_str())
    }

    /// Stops the server. It accepts no new connections, and waits up to five seconds for the
    /// answers under way.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

async fn answer(store: &dyn Store, request: &Request<Incoming>) -> Response<Body> {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return without_body(StatusCode::METHOD_NOT_ALLOWED);
    }
    let Ok(path) = ReleasePath::new(request.uri().path().trim_start_matches('/')) else {
        return without_body(StatusCode::NOT_FOUND);
    };
    match object(store, &path).await {
        Ok(Some(response)) => response,
        Ok(None) => without_body(StatusCode::NOT_FOUND),
        Err(error) => {
            tracing::warn!(%error, %path, "a store cannot be served");
            without_body(StatusCode::BAD_GATEWAY)
        }
    }
}

/// An object with its length, which iPXE needs to show its progress. A HEAD request gets the same
/// headers.
async fn object(
    store: &dyn Store,
    path: &ReleasePath,
) -> Result<Option<Response<Body>>, netboot_publish::Error> {
    let found = store.stat(std::slice::from_ref(path)).await?;
    let Some(size) = found.get(path).and_then(Entry::size) else { return Ok(None) };
    let Some(reader) = store.open(path).await? else { return Ok(None) };
    let body = StreamBody::new(ReaderStream::new(reader).map_ok(Frame::data));
    let mut response = Response::new(body.boxed_unsync());
    response.headers_mut().insert(CONTENT_LENGTH, size.into());
    Ok(Some(response))
}

fn without_body(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}
