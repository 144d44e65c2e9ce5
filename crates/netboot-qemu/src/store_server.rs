//! A web server for the content of a store.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::Uri;
use netboot_core::{FileRecord, ProfileName, ReleasePath, layout};
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
        Self::serve(store, None).await
    }

    /// Starts to serve `store`, and the UKI of an image at [`uki_url`](Self::uki_url) too. Firmware
    /// knows a program by the end of its name, `.efi`, which the name of a blob does not have.
    ///
    /// # Errors
    /// [`Error::Bind`].
    pub async fn with_uki(
        store: Arc<dyn Store>,
        profile: &ProfileName,
        uki: &FileRecord,
    ) -> Result<Self, Error> {
        // Digests have no characters that a URL cannot have, so this is always a path.
        let blob = format!("/{}", layout::blob(&uki.sha256)).parse().unwrap_or_default();
        Self::serve(store, Some((format!("/{}", uki_name(profile)), blob))).await
    }

    /// Serves a store, and one object under another path too.
    async fn serve(store: Arc<dyn Store>, named: Option<(String, Uri)>) -> Result<Self, Error> {
        let view = StoreView::new(store).on_failure(|path, error| {
            tracing::warn!(%error, %path, "a store cannot be served");
        });
        let named = Arc::new(named);
        let server = HttpServer::start(move |mut request| {
            let (view, named) = (view.clone(), named.clone());
            async move {
                if let Some((path, object)) = &*named
                    && request.uri().path() == path
                {
                    *request.uri_mut() = object.clone();
                }
                view.answer(&request).await
            }
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

    /// The URL of the UKI that [`with_uki`](Self::with_uki) serves: `<profile>.efi`.
    pub fn uki_url(&self, profile: &ProfileName) -> Url {
        self.server.url(&uki_name(profile))
    }

    /// Stops the server. It accepts no new connections, and waits up to five seconds for the
    /// answers under way.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

fn uki_name(profile: &ProfileName) -> String {
    format!("{profile}.efi")
}
