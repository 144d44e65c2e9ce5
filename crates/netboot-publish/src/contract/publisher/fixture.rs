//! Operations that the checks of the publisher share.

use std::sync::Arc;

use netboot_core::{
    Artifact, Closure, Context, Image, Release, ReleaseId, ReleasePath, Sha256Digest,
};

use crate::publisher::Publisher;
use crate::publisher::checks::depth::VerifyDepth;
use crate::publisher::verify::VerifyScope;
use crate::store::{Store, Swap};

pub(crate) type Make<'a> = &'a dyn Fn() -> Arc<dyn Store>;

pub(crate) fn path(text: &str) -> ReleasePath {
    ReleasePath::new(text).unwrap()
}

pub(crate) fn publisher(store: &Arc<dyn Store>) -> Publisher {
    Publisher::from(store.clone())
}

pub(crate) async fn text(store: &Arc<dyn Store>, path: &ReleasePath) -> Option<String> {
    let document = store.read(path).await.unwrap()?;
    Some(String::from_utf8(document.bytes.to_vec()).unwrap())
}

pub(crate) async fn put(store: &Arc<dyn Store>, place: &str, text: &'static str) {
    let there = store.read(&path(place)).await.unwrap().map(|document| document.version);
    let swap = store.swap(&path(place), there.as_ref(), text.into()).await.unwrap();
    assert_eq!(swap, Swap::Done);
}

/// Flips one bit of a small object.
pub(crate) async fn flip(store: &Arc<dyn Store>, path: &ReleasePath) {
    let there = store.read(path).await.unwrap().unwrap();
    let mut bytes = there.bytes.to_vec();
    bytes[0] ^= 1;
    let swap = store.swap(path, Some(&there.version), bytes.into()).await.unwrap();
    assert_eq!(swap, Swap::Done);
}

pub(crate) async fn delete(store: &Arc<dyn Store>, place: &ReleasePath) {
    store.delete(std::slice::from_ref(place), &Context::new()).await.unwrap();
}

pub(crate) async fn assert_clean(publisher: &Publisher) {
    let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
    let report = publisher.verify(scope, depth, &Context::new()).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

pub(crate) async fn publish(publisher: &Publisher, release: &Release) {
    publisher.publish(release, &Context::new()).await.unwrap();
}

pub(crate) fn ids<'a>(releases: impl IntoIterator<Item = &'a Release>) -> Vec<ReleaseId> {
    releases.into_iter().map(|release| *release.id()).collect()
}

/// Returns the artifact of an image that has these bytes.
pub(crate) fn artifact_of(image: &Image, sha256: Sha256Digest) -> Arc<dyn Artifact> {
    let closure = image.closure().into_iter().flat_map(Closure::artifacts);
    let mut artifacts = image.boot_files().chain(closure);
    artifacts.find(|artifact| artifact.sha256() == sha256).unwrap().clone()
}
