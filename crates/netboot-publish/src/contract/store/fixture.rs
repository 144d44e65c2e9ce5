//! Operations that the checks of a store share.

use std::sync::Arc;

use bytes::Bytes;
use netboot_core::{ArtifactKind, BytesArtifact, Context, FileName, ReleasePath};

use crate::store::{Store, Upload};

pub(crate) type Make<'a> = &'a dyn Fn() -> Arc<dyn Store>;

pub(crate) fn path(text: &str) -> ReleasePath {
    ReleasePath::new(text).unwrap()
}

pub(crate) fn upload(place: &str, bytes: impl Into<Bytes>) -> Upload {
    let name = FileName::new("object").unwrap();
    Upload::new(
        path(place),
        Arc::new(BytesArtifact::new(ArtifactKind::Script, name, bytes).unwrap()),
    )
}

pub(crate) async fn put(store: &dyn Store, place: &str, bytes: impl Into<Bytes>) {
    store.send(vec![upload(place, bytes)], &Context::new()).await.unwrap();
}

pub(crate) async fn get(store: &dyn Store, place: &str) -> Option<Bytes> {
    store.read(&path(place)).await.unwrap().map(|document| document.bytes)
}
