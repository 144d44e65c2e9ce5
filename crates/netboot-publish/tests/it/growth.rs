//! Many releases at a target: looking at all of them takes no more round trips one after another
//! than looking at a few.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use netboot_core::{Artifact, ArtifactKind, BytesArtifact, Context, Release, ReleasePath, layout};
use netboot_publish::contract::{later, sample_release};
use netboot_publish::{
    Answer, Entry, Error, ListScope, MemoryStore, MinisignKey, Publisher, Question, Retention,
    S3Store, Signer, Store, StoreLayer, Upload, VerifyDepth, VerifyScope,
};
use netboot_testbed::S3Server;

use crate::patience::at_best;
use crate::round_trips::{RoundTrips, Trips};
use crate::s3::{Site, path};

/// A publisher that signs and checks signatures, to a store.
fn signing(store: Arc<dyn Store>, key: &MinisignKey) -> Publisher {
    let publisher = Publisher::from(store).with_trusted_keys(key.public_key().clone());
    publisher.with_signer(key.clone())
}

fn releases(count: usize) -> Vec<Release> {
    (0..count).map(|number| sample_release(&format!("release-{number}"))).collect()
}

/// Publishes releases in memory, which is fast, and copies everything to a bucket.
async fn fill(bucket: &S3Store, releases: &[Release], key: &MinisignKey) {
    let (memory, context) = (MemoryStore::new(), Context::new());
    let publisher = signing(Arc::new(memory.clone()), key);
    for release in releases {
        publisher.publish(release, &context).await.unwrap();
    }
    let mut uploads = Vec::new();
    let places = [layout::releases(), layout::blobs(), path("worker"), path("control-plane")];
    for scope in places.map(ListScope::Below).into_iter().chain([ListScope::Root]) {
        for listed in memory.list(&scope).await.unwrap() {
            let place = path(&listed.path);
            let bytes = memory.read(&place).await.unwrap().unwrap().bytes;
            let file = BytesArtifact::new(ArtifactKind::Script, "file", bytes).unwrap();
            uploads.push(Upload::new(place, Arc::new(file) as Arc<dyn Artifact>));
        }
    }
    bucket.send(uploads, &context).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn round_trips_do_not_grow_with_the_number_of_releases() {
    let site = Site::new(S3Server::ministack);
    let (key, context) = (MinisignKey::generate().unwrap(), Context::new());
    let fast = site.builder().without_probe().build().await.unwrap();
    let trips = RoundTrips::to(&site.server);
    let slow = site.builder().endpoint(trips.proxy.endpoint()).without_probe();
    let slow = slow.build().await.unwrap();
    for count in [10, 100] {
        let prefix = path(&format!("target-{count}"));
        let releases = releases(count);
        fill(&fast.with_prefix(Some(&prefix)), &releases, &key).await;
        let publisher = signing(Arc::new(slow.with_prefix(Some(&prefix))), &key);
        // One after another, the manifests alone would take 100 round trips. A busy machine counts
        // some more than the four rounds of 32.
        let is_parallel = |trips: &Trips| trips.at_once >= 5 && trips.depth < 50;
        let note = |what, trips: Trips, requests| {
            let (depth, at_once) = (trips.depth, trips.at_once);
            println!("{count} releases, {what}: {depth} deep, {at_once} at once");
            // A manifest and its signature for each release; the rest does not grow.
            assert!(trips.requests.len() <= requests, "{what}: {:#?}", trips.requests);
            trips
        };

        let history = async || {
            let (history, asked) = trips.of(publisher.history()).await;
            let history = history.unwrap();
            assert!(history.len() == count && history.iter().all(|entry| entry.whole));
            note("history", asked, 2 * count + 20)
        };
        at_best(history, is_parallel).await;

        let overview = async || {
            let (overview, asked) = trips.of(publisher.overview()).await;
            let overview = overview.unwrap();
            assert!(overview.releases.values().all(|release| release.whole));
            assert_eq!((overview.releases.len(), overview.problem.is_none()), (count, true));
            note("overview", asked, 2 * count + 20)
        };
        at_best(overview, is_parallel).await;

        let dry = Retention::default().with_keep_last(1).with_grace(Duration::ZERO);
        let dry = dry.with_dry_run(true);
        let ahead = later(&publisher, Duration::from_secs(60));
        let prune = async || {
            let (report, asked) = trips.of(ahead.prune(&dry, &context)).await;
            assert_eq!(report.unwrap().deleted.len(), count - 1);
            note("dry prune", asked, count + 20)
        };
        at_best(prune, is_parallel).await;

        let verify = async || {
            let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Listing);
            let (report, asked) = trips.of(publisher.verify(scope, depth, &context)).await;
            let report = report.unwrap();
            assert!(report.is_clean() && report.releases.len() == count, "{report}");
            note("verify", asked, 2 * count + 20)
        };
        at_best(verify, is_parallel).await;
    }
}

/// A store from which everything of a release is gone when its manifest is asked for.
#[derive(Debug)]
struct Vanishing {
    inner: MemoryStore,
    directory: String,
}

impl std::fmt::Display for Vanishing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl StoreLayer for Vanishing {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    async fn look(&self, question: &Question) -> Result<Answer, Error> {
        let is_of_it = |path: &&ReleasePath| path.as_str().starts_with(&self.directory);
        if question.documents().any(|path| is_of_it(&path)) {
            let listed = self.inner.list(&ListScope::Below(path(&self.directory))).await?;
            let paths: Vec<ReleasePath> = listed.iter().map(|it| path(&it.path)).collect();
            self.inner.delete(&paths, &Context::new()).await?;
        }
        self.inner.look(question).await
    }
}

#[tokio::test]
async fn a_release_that_vanishes_meanwhile_is_no_error() {
    let context = Context::new();
    let two = releases(2);
    for number in 0..4 {
        let memory = MemoryStore::new();
        let sound = Publisher::new(memory.clone());
        for release in &two {
            sound.publish(release, &context).await.unwrap();
        }
        let directory = layout::release(two[0].id()).to_string();
        let publisher = Publisher::new(Vanishing { inner: memory, directory });
        match number {
            0 => {
                let history = publisher.history().await.unwrap();
                assert_eq!(history.iter().map(|it| it.whole).collect::<Vec<_>>(), [true, false]);
            }
            1 => {
                let overview = publisher.overview().await.unwrap();
                let gone = &overview.releases[two[0].id()];
                assert!(!gone.whole && matches!(gone.summary, Err(Error::NotStaged { .. })));
                assert!(overview.releases[two[1].id()].whole);
            }
            2 => {
                let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Listing);
                let report = publisher.verify(scope, depth, &context).await.unwrap();
                assert!(report.is_clean(), "{report}");
                assert_eq!(report.releases, [*two[1].id()].into());
            }
            _ => {
                let ahead = later(&publisher, Duration::from_secs(60));
                let strict = Retention::default().with_keep_last(1).with_grace(Duration::ZERO);
                let report = ahead.prune(&strict, &context).await.unwrap();
                assert_eq!(report.kept, [*two[1].id()].into());
            }
        }
    }
}

/// A store that counts the names that it is asked about, in whatever question.
#[derive(Debug)]
struct Asked {
    inner: MemoryStore,
    names: Arc<AtomicUsize>,
}

impl Asked {
    fn count(&self, names: usize) {
        self.names.fetch_add(names, Ordering::SeqCst);
    }
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl StoreLayer for Asked {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    async fn stat(&self, paths: &[ReleasePath]) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
        self.count(paths.len());
        self.inner.stat(paths).await
    }

    async fn look(&self, question: &Question) -> Result<Answer, Error> {
        self.count(question.paths().count());
        self.inner.look(question).await
    }
}

#[tokio::test]
async fn a_long_history_asks_for_no_object_by_its_name() {
    let (memory, names) = (MemoryStore::new(), Arc::new(AtomicUsize::new(0)));
    let publisher = Publisher::new(memory.clone());
    let count = 100;
    for release in releases(count) {
        publisher.publish(&release, &Context::new()).await.unwrap();
    }
    let publisher = Publisher::new(Asked { inner: memory.clone(), names: names.clone() });
    let history = publisher.history().await.unwrap();
    assert!(history.len() == count && history.iter().all(|entry| entry.whole));
    // The manifest of each release, and the pointer.
    let asked = names.load(Ordering::SeqCst);
    assert!(asked <= count + 5, "{asked} names");

    // An object that the listings lack is missed.
    let live = publisher.releases().await.unwrap();
    let boot = layout::in_release(live.first().unwrap(), &layout::release_pointer());
    memory.delete(&[boot], &Context::new()).await.unwrap();
    let whole = publisher.history().await.unwrap().iter().filter(|entry| entry.whole).count();
    assert_eq!(whole, count - 1);
}
