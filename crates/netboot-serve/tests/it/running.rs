//! A running server with a view of a store.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use netboot_core::{
    ArtifactKind, BytesArtifact, CancellationToken, Context, FileName, ReleasePath, Sha256Digest,
};
use netboot_publish::{Store, Upload};
use netboot_serve::{Limits, Notice, Server, StoreLimits, StoreView};
use reqwest::{Method, RequestBuilder};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A server on a free port. Dropping it stops it.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) notices: Arc<Mutex<Vec<Notice>>>,
    /// The failures of the store, each with the path that was asked for.
    pub(crate) failures: Arc<Mutex<Vec<String>>>,
    /// The hints of the failures.
    pub(crate) hints: Arc<Mutex<Vec<String>>>,
    pub(crate) task: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn start(store: impl Store + 'static) -> Self {
        Self::with_limits(store, Limits::default()).await
    }

    pub(crate) async fn with_limits(store: impl Store + 'static, limits: Limits) -> Self {
        Self::with_all_limits(store, limits, StoreLimits::default()).await
    }

    pub(crate) async fn with_store_limits(
        store: impl Store + 'static,
        limits: StoreLimits,
    ) -> Self {
        Self::with_all_limits(store, Limits::default(), limits).await
    }

    async fn with_all_limits(
        store: impl Store + 'static,
        limits: Limits,
        store_limits: StoreLimits,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (notices, failures) =
            (Arc::<Mutex<Vec<_>>>::default(), Arc::<Mutex<Vec<_>>>::default());
        let hints = Arc::<Mutex<Vec<_>>>::default();
        let (noted, failed, hinted) = (notices.clone(), failures.clone(), hints.clone());
        let view = StoreView::new(Arc::new(store)).with_limits(store_limits);
        let view = view.on_failure(move |path, error| {
            hinted.lock().unwrap().extend(error.hint());
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            failed.lock().unwrap().push(format!("{path}: {error}: {cause}"));
        });
        let server = Server::new()
            .with_limits(limits)
            .on_notice(move |notice| noted.lock().unwrap().push(notice));
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let answer = move |request, _| {
                let view = view.clone();
                async move { view.answer(&request).await }
            };
            server.serve(listener, &stopped, answer).await;
        });
        Self { address, stop, notices, failures, hints, task }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client.request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// Waits until there is a notice like this.
    pub(crate) async fn until_noticed(&self, is_it: impl Fn(&Notice) -> bool) {
        let noticed = async {
            while !self.notices.lock().unwrap().iter().any(&is_it) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(240), noticed).await.expect("the notice");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn path(text: &str) -> ReleasePath {
    ReleasePath::new(text).unwrap()
}

pub(crate) async fn put(store: &dyn Store, place: &str, bytes: impl Into<bytes::Bytes>) {
    let name = FileName::new("object").unwrap();
    let artifact = BytesArtifact::new(ArtifactKind::Script, name, bytes).unwrap();
    let uploads = vec![Upload::new(path(place), Arc::new(artifact))];
    store.send(uploads, &Context::new()).await.unwrap();
}

/// Puts a blob of this size, and returns its bytes and its path in a URL.
pub(crate) async fn put_blob(store: &dyn Store, size: u32) -> (Vec<u8>, String) {
    let bytes: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
    let place = format!("blobs/{}", Sha256Digest::of(&bytes));
    put(store, &place, bytes.clone()).await;
    (bytes, format!("/{place}"))
}
