//! Shared by the S3 tests: a server with a bucket, and stores in it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use netboot_core::{ArtifactKind, BytesArtifact, Context, FileName, ReleasePath};
use netboot_publish::{Error, S3Failure, S3Keys, S3Store, S3StoreBuilder, Store, Upload};
use netboot_testbed::{FaultProxy, S3Server};
use tempfile::TempDir;

pub(crate) const BUCKET: &str = "boot-images";

/// A server with an empty bucket.
pub(crate) struct Site {
    pub(crate) server: S3Server,
    targets: AtomicUsize,
    /// Dropped last.
    _directory: TempDir,
}

impl Site {
    pub(crate) fn new(start: impl FnOnce(&Path) -> S3Server) -> Self {
        let directory = TempDir::new().unwrap();
        let server = start(directory.path());
        server.create_bucket(BUCKET);
        Self { server, targets: AtomicUsize::new(0), _directory: directory }
    }

    /// A builder with the right keys.
    pub(crate) fn builder(&self) -> S3StoreBuilder {
        let keys = S3Keys::new(self.server.access_key(), self.server.secret_key());
        builder_at(self.server.endpoint()).credentials(keys)
    }

    /// A builder of a store that reaches the server through a proxy.
    pub(crate) fn behind(&self, proxy: &FaultProxy) -> S3StoreBuilder {
        self.builder().endpoint(proxy.endpoint()).retries(1, Duration::from_secs(5))
    }

    /// Returns new, empty targets: prefixes of the bucket.
    pub(crate) fn targets(&self, store: &S3Store) -> impl Fn() -> Arc<dyn Store> {
        move || {
            let number = self.targets.fetch_add(1, Ordering::Relaxed);
            Arc::new(store.with_prefix(Some(&path(&format!("target/{number}")))))
        }
    }
}

/// A builder of a store at a server that takes any keys, or those of nanio.
pub(crate) fn builder_at(endpoint: impl Into<String>) -> S3StoreBuilder {
    let keys = S3Keys::new("netboot-tests", "a secret of the tests");
    S3Store::builder(BUCKET).endpoint(endpoint).allow_http(true).credentials(keys)
}

/// Returns the failure in an error of a bucket.
pub(crate) fn failure(error: &Error) -> &S3Failure {
    let Error::S3 { failure, .. } = error else { panic!("{error:?}") };
    failure
}

pub(crate) fn path(text: &str) -> ReleasePath {
    ReleasePath::new(text).unwrap()
}

pub(crate) fn upload(place: &str, bytes: impl Into<Bytes>) -> Upload {
    let name = FileName::new("object").unwrap();
    Upload::new(
        path(place),
        Arc::new(BytesArtifact::new(ArtifactKind::Initrd, name, bytes).unwrap()),
    )
}

pub(crate) async fn put(store: &S3Store, place: &str, bytes: impl Into<Bytes>) {
    store.send(vec![upload(place, bytes)], &Context::new()).await.unwrap();
}

pub(crate) async fn get(store: &S3Store, place: &str) -> Option<Bytes> {
    store.read(&path(place)).await.unwrap().map(|document| document.bytes)
}
