//! Shared by the tests of registries: two registries, and stores in them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use ferro_blob_store::FsBlobStore;
use netboot_core::{ArtifactKind, BytesArtifact, Context, FileName, ReleasePath};
use netboot_publish::{
    Error, OciCredentials, OciFailure, OciStore, OciStoreBuilder, Store, Upload,
};
use netboot_testbed::{Registry, RegistryAccess};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// A registry that other people wrote, in this process: `ferro-oci-server`, which keeps blobs and
/// tags in a directory.
pub(crate) struct Ferro {
    pub(crate) address: String,
    task: JoinHandle<()>,
    /// Dropped last.
    _directory: TempDir,
}

impl Ferro {
    pub(crate) async fn start() -> Self {
        Self::with(|app| app).await
    }

    /// It writes manifests only under the conditions that requests name, which it does not do by
    /// itself.
    pub(crate) async fn with_conditions() -> Self {
        let alone = Arc::new(tokio::sync::Mutex::new(()));
        let layer = axum::middleware::from_fn_with_state(alone, keep_condition);
        // A layer around the routes would see each method by itself.
        Self::with(|app| axum::Router::new().fallback_service(app).layer(layer)).await
    }

    async fn with(layer: impl FnOnce(axum::Router) -> axum::Router) -> Self {
        let directory = TempDir::new().unwrap();
        let blobs = Arc::new(FsBlobStore::new(directory.path().join("blobs")).unwrap());
        let app = layer(ferro_oci_server::build_app_persisted(blobs, directory.path()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, task, _directory: directory }
    }
}

/// Answers 412 to a write whose condition (RFC 9110, section 13.1) the tag does not meet.
async fn keep_condition(
    State(alone): State<Arc<tokio::sync::Mutex<()>>>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() != Method::PUT || !request.uri().path().contains("/manifests/") {
        return next.run(request).await;
    }
    let (absent, expected) = {
        let headers = request.headers();
        let header = |name| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        (header("if-none-match"), header("if-match"))
    };
    let _alone = alone.lock().await;
    let look = Request::builder().method(Method::HEAD).uri(request.uri().clone());
    let found = next.clone().run(look.body(Body::empty()).unwrap()).await;
    let digest = found.headers().get("docker-content-digest").filter(|_| found.status() == 200);
    let digest = digest.map(|digest| format!("\"{}\"", digest.to_str().unwrap()));
    let holds = match absent {
        Some(_) => digest.is_none(),
        None => expected.is_none() || digest == expected,
    };
    if holds { next.run(request).await } else { StatusCode::PRECONDITION_FAILED.into_response() }
}

impl Drop for Ferro {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Docker's registry in a directory of its own.
pub(crate) struct Docker {
    pub(crate) registry: Registry,
    /// Dropped last.
    directory: TempDir,
}

impl Docker {
    pub(crate) fn start(access: &RegistryAccess) -> Self {
        Self::with(|directory| Registry::start(directory, access))
    }

    pub(crate) fn with(start: impl FnOnce(&Path) -> Registry) -> Self {
        let directory = TempDir::new().unwrap();
        Self { registry: start(directory.path()), directory }
    }

    /// The directory in which it keeps everything.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A builder of a store for everyone.
    pub(crate) fn builder(&self, repository: &str) -> OciStoreBuilder {
        builder(&self.registry.address(), repository)
    }

    /// A builder of a store with the password.
    pub(crate) fn with_login(&self, repository: &str) -> OciStoreBuilder {
        let login = OciCredentials::password(self.registry.user(), self.registry.password());
        self.builder(repository).credentials(login)
    }
}

/// A builder of an anonymous store that does not try long.
pub(crate) fn builder(address: &str, repository: &str) -> OciStoreBuilder {
    OciStore::builder(format!("{address}/{repository}"))
        .credentials(OciCredentials::Anonymous)
        .retries(1, Duration::from_secs(5))
}

/// Returns new, empty targets: repositories of a registry.
pub(crate) fn targets(make: impl Fn(&str) -> OciStoreBuilder) -> impl Fn() -> Arc<dyn Store> {
    let number = AtomicUsize::new(0);
    move || {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let builder = make(&format!("target/{number}"));
        let built = || tokio::runtime::Handle::current().block_on(builder.build());
        Arc::new(tokio::task::block_in_place(built).unwrap())
    }
}

/// Returns the failure in an error of a registry.
pub(crate) fn failure(error: &Error) -> &OciFailure {
    let Error::Oci(error) = error else { panic!("{error:?}") };
    &error.failure
}

pub(crate) fn path(text: &str) -> ReleasePath {
    ReleasePath::new(text).unwrap()
}

pub(crate) fn upload(place: &str, bytes: impl Into<Bytes>) -> Upload {
    let name = FileName::new("object").unwrap();
    let artifact = BytesArtifact::new(ArtifactKind::Initrd, name, bytes).unwrap();
    Upload::new(path(place), artifact)
}

pub(crate) async fn put(store: &OciStore, place: &str, bytes: impl Into<Bytes>) {
    store.send(vec![upload(place, bytes)], &Context::new()).await.unwrap();
}

pub(crate) async fn get(store: &OciStore, place: &str) -> Option<Bytes> {
    store.read(&path(place)).await.unwrap().map(|document| document.bytes)
}
