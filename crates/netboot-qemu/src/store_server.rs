//! A web server for the content of a store.

use std::net::SocketAddr;
use std::sync::Arc;

use netboot_core::ReleasePath;
use netboot_publish::Store;
use netboot_serve::StoreView;
use url::Url;

use crate::error::Error;
use crate::http_server::HttpServer;

/// Serves the content of any store over HTTP on a free port of `127.0.0.1`. A virtual machine on
/// this host can then boot from a bucket or from the disk of another machine. The server stops when
/// it is dropped.
///
/// It answers as a [`StoreView`] does: `GET` and `HEAD`, with ranges, and no links of the old
/// layout.
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
        let view = StoreView::new(store).on_failure(|path, error| {
            tracing::warn!(%error, %path, "a store cannot be served");
        });
        let server = HttpServer::start(move |request| {
            let view = view.clone();
            async move { view.answer(&request).await }
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
