//! A web server for the content of a store.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use netboot_core::{CancellationToken, ReleasePath};
use netboot_publish::{Error, Store};
use tokio::net::TcpListener;
use tokio_util::io::ReaderStream;
use url::Url;

/// Serves the content of any store over HTTP on `127.0.0.1`, at a free port. A virtual machine on
/// this host can then boot from a bucket or from the disk of another machine. The server stops when
/// it is dropped.
///
/// It serves only the objects of the publishing library, and not the links of the old layout.
#[derive(Debug)]
pub struct StoreServer {
    address: SocketAddr,
    stop: CancellationToken,
}

impl StoreServer {
    /// Starts to serve `store`.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn start(store: Arc<dyn Store>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = listener.local_addr()?;
        let service = Router::new().fallback(answer).with_state(store);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = axum::serve(listener, service) => {}
                () = stopped.cancelled() => {}
            }
        });
        Ok(Self { address, stop })
    }

    /// The URL of an object.
    ///
    /// # Errors
    /// Never in practice: an address and a path of a release always form a URL.
    pub fn url(&self, path: &ReleasePath) -> Result<Url, url::ParseError> {
        Url::parse(&format!("http://{}/{path}", self.address))
    }
}

impl Drop for StoreServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn answer(State(store): State<Arc<dyn Store>>, uri: Uri) -> Response {
    let Ok(path) = ReleasePath::new(uri.path().trim_start_matches('/')) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match object(store.as_ref(), &path).await {
        Ok(Some(response)) => response,
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

/// An object with its length, which iPXE needs to show its progress. A HEAD request gets the same
/// headers.
async fn object(store: &dyn Store, path: &ReleasePath) -> Result<Option<Response>, Error> {
    let found = store.stat(std::slice::from_ref(path)).await?;
    let Some(size) = found.get(path).and_then(netboot_publish::Entry::size) else {
        return Ok(None);
    };
    let Some(reader) = store.open(path).await? else { return Ok(None) };
    let body = Body::from_stream(ReaderStream::new(reader));
    Ok(Some(([(header::CONTENT_LENGTH, size)], body).into_response()))
}
