//! Shared by the tests of registries: two registries, and stores in them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

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
        let directory = TempDir::new().unwrap();
        let blobs = Arc::new(FsBlobStore::new(directory.path().join("blobs")).unwrap());
        let app = ferro_oci_server::build_app_persisted(blobs, directory.path());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, task, _directory: directory }
    }
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
    _directory: TempDir,
}

impl Docker {
    pub(crate) fn start(access: &RegistryAccess) -> Self {
        Self::with(|directory| Registry::start(directory, access))
    }

    pub(crate) fn with(start: impl FnOnce(&Path) -> Registry) -> Self {
        let directory = TempDir::new().unwrap();
        Self { registry: start(directory.path()), _directory: directory }
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
