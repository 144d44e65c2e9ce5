//! Pruning deletes nothing if it cannot know which objects are still needed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use netboot_core::{Context, Release, ReleasePath, layout};
use netboot_publish::contract::{self, sample_release};
use netboot_publish::{
    Capabilities, Error, Finding, ListScope, Listed, MemoryStore, Publisher, Retention, Store,
    StoreLayer, VerifyDepth, VerifyScope,
};

fn nothing_kept() -> Retention {
    Retention::default().with_keep_last(0).with_grace(Duration::ZERO)
}

/// Returns the publisher at a time when all objects, and the seconds of the history, are
/// older than a grace time of zero.
fn later(publisher: &Publisher) -> Publisher {
    contract::later(publisher, Duration::from_secs(3))
}

async fn paths(store: &MemoryStore) -> Vec<String> {
    let mut paths = Vec::new();
    for directory in ["releases", "blobs"] {
        let scope = ListScope::Below(ReleasePath::new(directory).unwrap());
        paths.extend(store.list(&scope).await.unwrap().into_iter().map(|listed| listed.path));
    }
    paths
}

/// A store with two releases, of which the second is live.
async fn two_published() -> (MemoryStore, Publisher, [Release; 2]) {
    let store = MemoryStore::new();
    let publisher = Publisher::new(store.clone());
    let releases = ["one", "two"].map(sample_release);
    for release in &releases {
        publisher.publish(release, &Context::new()).await.unwrap();
    }
    (store, publisher, releases)
}

/// Machines still come by the entry points, and nobody knows which releases they need.
#[tokio::test]
async fn a_pointer_that_was_deleted_takes_no_release_with_it() {
    let (store, publisher, [one, two]) = two_published().await;
    let context = Context::new();
    let pointer = ReleasePath::new("current.ipxe").unwrap();
    store.delete(std::slice::from_ref(&pointer), &context).await.unwrap();
    let publisher = later(&publisher);

    let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Listing);
    let report = publisher.verify(scope, depth, &context).await.unwrap();
    assert_eq!(report.findings, [Finding::Missing { path: pointer.clone() }]);
    let before = paths(&store).await;
    for dry_run in [true, false] {
        let retention = nothing_kept().with_dry_run(dry_run);
        let error = publisher.prune(&retention, &context).await.unwrap_err();
        let Error::MalformedPointer { path, .. } = &error else { unreachable!("{error:?}") };
        assert_eq!(*path, pointer);
        assert!(error.to_string().contains("is gone"), "{error}");
        assert!(error.hint().unwrap().contains("activate the release"), "{error}");
    }
    assert_eq!(paths(&store).await, before, "nothing is deleted");

    // The hint.
    publisher.activate(two.id(), &context).await.unwrap();
    let report = publisher.prune(&nothing_kept(), &context).await.unwrap();
    assert_eq!(report.deleted, [*one.id()].into());
    assert!(publisher.verify(scope, depth, &context).await.unwrap().is_clean());

    // Where nothing was ever live, there is nothing to lose.
    let store = MemoryStore::new();
    let publisher = Publisher::new(store.clone());
    publisher.stage(&one, &context).await.unwrap();
    let publisher = later(&publisher);
    assert!(publisher.verify(scope, depth, &context).await.unwrap().is_clean());
    let report = publisher.prune(&nothing_kept(), &context).await.unwrap();
    assert_eq!(report.deleted, [*one.id()].into());
}

/// A booting machine needs no manifest, so a live release without a manifest still boots.
#[tokio::test]
async fn a_live_release_that_lost_its_manifest_is_not_taken_from_machines() {
    let (store, publisher, [one, two]) = two_published().await;
    let context = Context::new();
    let manifest = layout::in_release(two.id(), &layout::manifest());
    store.delete(std::slice::from_ref(&manifest), &context).await.unwrap();
    let publisher = later(&publisher);

    let before = paths(&store).await;
    let error = publisher.prune(&nothing_kept(), &context).await.unwrap_err();
    let Error::NotWhole { release, .. } = &error else { unreachable!("{error:?}") };
    assert_eq!(release, two.id());
    assert!(error.to_string().contains(manifest.as_str()), "{error}");
    assert!(error.hint().unwrap().contains("publish the release again"), "{error}");
    assert_eq!(paths(&store).await, before, "nothing is deleted");

    publisher.publish(&two, &context).await.unwrap();
    let report = publisher.prune(&nothing_kept(), &context).await.unwrap();
    assert_eq!(report.deleted, [*one.id()].into());
}

/// Somebody may write a pointer by hand at night to get machines back to an earlier release.
#[tokio::test]
async fn a_pointer_that_somebody_else_wrote_may_lead_to_any_release() {
    let (store, publisher, [one, _]) = two_published().await;
    let context = Context::new();
    let pointer = ReleasePath::new("current.ipxe").unwrap();
    let there = store.read(&pointer).await.unwrap().unwrap();
    let by_hand = format!("#!ipxe\nchain releases/{}/boot.ipxe\n", one.id());
    store.swap(&pointer, Some(&there.version), by_hand.into()).await.unwrap();
    let publisher = later(&publisher);

    let before = paths(&store).await;
    let error = publisher.prune(&nothing_kept(), &context).await.unwrap_err();
    assert!(matches!(&error, Error::ForeignFile { path, .. } if *path == pointer), "{error:?}");
    assert_eq!(paths(&store).await, before, "nothing is deleted");
}

/// Without a lock, a release that is staged while another is pruned keeps its blobs.
#[tokio::test]
async fn without_a_lock_what_is_staged_meanwhile_keeps_its_blobs() {
    let inner = MemoryStore::new().with_capabilities(Capabilities::none());
    let publisher = Publisher::new(inner.clone());
    let context = Context::new();
    let [one, two] = ["one", "two"].map(sample_release);
    publisher.publish(&one, &context).await.unwrap();
    publisher.publish(&two, &context).await.unwrap();
    // A clock that is ahead would make the release that is staged meanwhile look old.
    tokio::time::sleep(Duration::from_millis(2100)).await;

    let staged = Arc::new(AtomicBool::new(false));
    let store = Meanwhile { inner, release: one.clone(), staged: staged.clone() };
    Publisher::new(store).prune(&nothing_kept(), &context).await.unwrap();
    assert!(staged.load(Ordering::SeqCst));
    assert!(publisher.releases().await.unwrap().contains(one.id()));
    let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
    let report = publisher.verify(scope, depth, &context).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

/// A store in which another publisher stages a release at the moment when blobs are listed.
#[derive(Debug)]
struct Meanwhile {
    inner: MemoryStore,
    release: Release,
    staged: Arc<AtomicBool>,
}

impl fmt::Display for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl StoreLayer for Meanwhile {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    async fn list(&self, scope: &ListScope) -> Result<Vec<Listed>, Error> {
        let blobs = ListScope::Below(ReleasePath::new("blobs").unwrap());
        if *scope == blobs && !self.staged.swap(true, Ordering::SeqCst) {
            let other = Publisher::new(self.inner.clone());
            let staged = other.stage(&self.release, &Context::new()).await?;
            assert!(staged.present > 0, "its blobs are there still");
        }
        self.inner.list(scope).await
    }
}
