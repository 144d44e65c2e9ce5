//! Pruning is lied to: by listings that leave things out, and by clocks. It deletes nothing that is
//! wanted.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use netboot_core::{Context, ReleaseId, ReleasePath, layout};
use netboot_publish::contract::{later, sample_release};
use netboot_publish::{
    Capabilities, Clock, Document, Entry, Error, ListScope, Listed, MemoryStore, MinisignKey,
    PointerMemoryFile, Publisher, Retention, Signer, Store, StoreLayer, Upload, VerifyDepth,
    VerifyScope,
};
use tempfile::TempDir;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Keeps the live releases and nothing else.
fn strict() -> Retention {
    Retention::default().with_keep_last(1).with_grace(Duration::ZERO)
}

/// A store whose listings leave out each path that contains a text.
#[derive(Debug, Clone)]
struct LeavingOut {
    inner: MemoryStore,
    text: String,
}

impl fmt::Display for LeavingOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl StoreLayer for LeavingOut {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    async fn list(&self, scope: &ListScope) -> Result<Vec<Listed>, Error> {
        let mut listed = self.inner.list(scope).await?;
        listed.retain(|listed| !listed.path.contains(&self.text));
        Ok(listed)
    }
}

async fn everything(store: &MemoryStore) -> Vec<String> {
    let mut paths = Vec::new();
    for scope in
        [ListScope::Root, ListScope::Below(layout::releases()), ListScope::Below(layout::blobs())]
    {
        paths.extend(store.list(&scope).await.unwrap().into_iter().map(|listed| listed.path));
    }
    paths.sort();
    paths
}

#[tokio::test]
async fn a_listing_that_leaves_out_what_is_wanted_deletes_nothing() {
    let (store, context) = (MemoryStore::new(), Context::new());
    let key = MinisignKey::generate().unwrap();
    let state = TempDir::new().unwrap();
    let memory = Arc::new(PointerMemoryFile::open(state.path().join("pointers.json")).unwrap());
    let signing = |store: Arc<dyn Store>| {
        let publisher = Publisher::from(store).with_pointer_memory(memory.clone());
        publisher.with_trusted_keys(key.public_key().clone()).with_signer(key.clone())
    };
    let publisher = signing(Arc::new(store.clone()));
    let canary = publisher.clone().with_pointer("canary").unwrap();
    let [one, two, three] = ["one", "two", "three"].map(sample_release);
    canary.publish(&one, &context).await.unwrap();
    publisher.publish(&two, &context).await.unwrap();
    publisher.publish(&three, &context).await.unwrap();
    let before = everything(&store).await;
    let within = |release: &ReleaseId, path| layout::in_release(release, &path).to_string();
    for (text, found) in [
        // The live release of another pointer: all of it, and its manifest alone.
        (one.id().to_string(), within(one.id(), layout::manifest())),
        (within(one.id(), layout::manifest()), within(one.id(), layout::manifest())),
        (three.id().to_string(), within(three.id(), layout::manifest())),
        // A release that no pointer needs, but whose blobs would go without it.
        (within(two.id(), layout::manifest()), within(two.id(), layout::manifest())),
        ("canary.ipxe".to_owned(), "canary.ipxe".to_owned()),
        ("current.ipxe".to_owned(), "current.ipxe".to_owned()),
        (".ipxe".to_owned(), "canary.ipxe".to_owned()),
        // A listing of the root that ends early lacks more than pointers.
        ("boot.ipxe".to_owned(), "boot.ipxe".to_owned()),
        // A listing from before pruning began.
        (layout::clock().to_string(), layout::clock().to_string()),
        ("releases/".to_owned(), layout::clock().to_string()),
    ] {
        let lying = LeavingOut { inner: store.clone(), text: text.clone() };
        let lying = later(&signing(Arc::new(lying)), Duration::from_secs(120));
        let error = lying.prune(&strict(), &context).await.unwrap_err();
        let Error::StaleListing { path, .. } = &error else { panic!("{text}: {error:?}") };
        assert_eq!(path.as_str(), found, "{text}");
        assert_eq!(everything(&store).await, before, "{text}: nothing is deleted");
    }
    // The hint says to wait for a listing that is up to date.
    let report = later(&publisher, Duration::from_secs(3)).prune(&strict(), &context).await;
    assert_eq!(report.unwrap().deleted, [*two.id()].into());
    for publisher in [publisher, canary] {
        let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
        let report = publisher.verify(scope, depth, &context).await.unwrap();
        assert!(report.is_clean(), "{report}");
    }
}

/// A clock that is behind.
#[derive(Debug)]
struct Behind(Duration);

impl Clock for Behind {
    fn now(&self) -> SystemTime {
        SystemTime::now() - self.0
    }
}

/// Its history says that a release went out of service three days ago. It was a moment ago, so a
/// machine may have read the old pointer and may not have fetched the initrd.
#[tokio::test]
async fn the_history_of_a_publisher_whose_clock_is_behind_is_not_believed() {
    for lifetime in [None, Some(2 * DAY)] {
        let (store, context) = (MemoryStore::new(), Context::new());
        let key = MinisignKey::generate().unwrap();
        let publisher = Publisher::new(store).with_trusted_keys(key.public_key().clone());
        let mut publisher = publisher.with_signer(key);
        if let Some(lifetime) = lifetime {
            publisher = publisher.with_pointer_lifetime(lifetime);
        }
        let behind = publisher.clone().with_clock(Behind(DAY + DAY / 2));
        let [one, two] = ["one", "two"].map(sample_release);
        behind.publish(&one, &context).await.unwrap();
        behind.publish(&two, &context).await.unwrap();
        // Both were staged long ago, so only the history protects them.
        let aged = later(&publisher, DAY / 4);
        let grace = strict().with_grace(DAY / 2);
        let report = aged.prune(&grace, &context).await.unwrap();
        assert_eq!(report.deleted, [].into(), "{lifetime:?}");
        let aged = later(&publisher, DAY);
        let report = aged.prune(&grace, &context).await.unwrap();
        assert_eq!(report.deleted, [*one.id()].into(), "{lifetime:?}");
    }
}

/// A store that has no room for the file that tells the time.
#[derive(Debug)]
struct Full(MemoryStore);

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[async_trait]
impl StoreLayer for Full {
    fn inner(&self) -> &dyn Store {
        &self.0
    }

    async fn send(&self, uploads: Vec<Upload>, _: &Context) -> Result<(), Error> {
        let path = uploads[0].path().as_str();
        Err(Error::io("write", path, std::io::ErrorKind::StorageFull.into()))
    }
}

#[tokio::test]
async fn a_full_target_makes_room_by_the_time_of_its_newest_file() {
    let (store, context) = (MemoryStore::new(), Context::new());
    let publisher = Publisher::new(store.clone());
    let [one, two, three] = ["one", "two", "three"].map(sample_release);
    publisher.publish(&one, &context).await.unwrap();
    publisher.publish(&two, &context).await.unwrap();
    publisher.stage(&three, &context).await.unwrap();
    let full = Publisher::new(Full(store));
    let report = full.prune(&strict().with_grace(DAY), &context).await.unwrap();
    assert!(report.deleted.is_empty(), "{report}");
    let report = full.prune(&strict(), &context).await.unwrap();
    // The history counts whole seconds, so the release that was replaced a moment ago stays.
    assert!(report.deleted.len() <= 1 && !report.deleted.contains(two.id()), "{report}");
}

/// A store in which another publisher goes back to an old release while releases are listed.
#[derive(Debug)]
struct ActivatedMeanwhile {
    inner: MemoryStore,
    release: ReleaseId,
}

impl fmt::Display for ActivatedMeanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl StoreLayer for ActivatedMeanwhile {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    async fn read(&self, path: &ReleasePath) -> Result<Option<Document>, Error> {
        let document = self.inner.read(path).await?;
        if *path == layout::in_release(&self.release, &layout::manifest()) {
            let other = Publisher::new(self.inner.clone());
            if other.live().await? != Some(self.release) {
                other.activate(&self.release, &Context::new()).await?;
            }
        }
        Ok(document)
    }
}

#[tokio::test]
async fn without_a_lock_a_release_that_goes_live_meanwhile_stays() {
    let inner = MemoryStore::new().with_capabilities(Capabilities::none());
    let (publisher, context) = (Publisher::new(inner.clone()), Context::new());
    let [one, two] = ["one", "two"].map(sample_release);
    publisher.publish(&one, &context).await.unwrap();
    publisher.publish(&two, &context).await.unwrap();
    let racing = ActivatedMeanwhile { inner, release: *one.id() };
    let racing = later(&Publisher::new(racing), Duration::from_secs(3));
    let report = racing.prune(&strict(), &context).await.unwrap();
    assert!(report.kept.contains(one.id()), "{report:?}");
    assert_eq!(publisher.live().await.unwrap(), Some(*one.id()));
    let report = publisher
        .verify(VerifyScope::Release(*one.id()), VerifyDepth::Content, &context)
        .await
        .unwrap();
    assert!(report.is_clean(), "{report}");
}

/// A store whose listings say that all blobs are as old as can be.
#[derive(Debug, Clone)]
struct Aging(MemoryStore);

impl fmt::Display for Aging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[async_trait]
impl StoreLayer for Aging {
    fn inner(&self) -> &dyn Store {
        &self.0
    }

    async fn list(&self, scope: &ListScope) -> Result<Vec<Listed>, Error> {
        let mut listed = self.0.list(scope).await?;
        for blob in listed.iter_mut().filter(|listed| listed.path.starts_with("blobs/")) {
            if let Entry::Object { modified, .. } = &mut blob.entry {
                *modified = SystemTime::UNIX_EPOCH;
            }
        }
        Ok(listed)
    }
}

#[tokio::test]
async fn a_listing_that_makes_blobs_old_deletes_none_that_a_release_names() {
    let (store, context) = (MemoryStore::new(), Context::new());
    let publisher = Publisher::new(store.clone());
    let [one, two, three] = ["one", "two", "three"].map(sample_release);
    publisher.publish(&one, &context).await.unwrap();
    publisher.stage(&two, &context).await.unwrap();
    // The files of the third release are put as they are while a publisher stages it.
    publisher.stage(&three, &context).await.unwrap();
    let at = |file| layout::in_release(three.id(), &file);
    let (manifest, incomplete) = (at(layout::manifest()), at("incomplete.json".parse().unwrap()));
    let json = store.read(&manifest).await.unwrap().unwrap().bytes;
    store.swap(&incomplete, None, json).await.unwrap();
    store.delete(&[manifest], &context).await.unwrap();
    let before = everything(&store).await;
    let unnamed = ReleaseId::from(netboot_core::Sha256Digest::of(b"unnamed")).to_string();
    let unnamed: ReleasePath = format!("blobs/{unnamed}").parse().unwrap();
    store.swap(&unnamed, None, "unnamed".into()).await.unwrap();

    let aging = Publisher::new(Aging(store.clone()));
    let report = aging.prune(&Retention::default(), &context).await.unwrap();
    assert_eq!((report.deleted.len(), report.deleted_blobs.len()), (0, 1), "{report}");
    assert_eq!(everything(&store).await, before);
}
