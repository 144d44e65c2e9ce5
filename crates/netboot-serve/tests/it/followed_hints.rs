//! Each hint is followed, and then the object is served.

use std::fmt;
use std::time::Duration;

use netboot_core::{ArtifactReader, Context, ReleasePath, layout};
use netboot_publish::contract::sample_release;
use netboot_publish::{
    Error, MemoryStore, Publisher, RepairSource, Store, StoreLayer, async_trait,
};
use netboot_serve::StoreLimits;
use reqwest::StatusCode;

use crate::faulty::{Fault, Faulty};
use crate::running::{Running, put, put_blob};

const LARGE: u32 = 600_000;

/// Asserts that the last failure had a hint with these words.
fn hinted(running: &Running, words: &str) {
    let hints = running.hints.lock().unwrap();
    assert!(hints.last().unwrap().contains(words), "{hints:?}");
}

async fn is_served(running: &Running, place: &str) -> bool {
    let answer = running.get(place).send().await.unwrap();
    answer.status() == StatusCode::OK && answer.bytes().await.is_ok()
}

#[tokio::test]
async fn an_object_is_served_when_nobody_replaces_it_any_more() {
    let store = Faulty::new();
    put(&store.inner, "worker.bin", vec![99; LARGE as usize]).await;
    let versions = (0..9_u8).map(|n| vec![n; LARGE as usize].into());
    store.replacements.lock().unwrap().extend(versions);
    let running = Running::start(store.clone()).await;
    assert!(!is_served(&running, "/worker.bin").await);
    hinted(&running, "ask again when the program that replaces it has ended");
    store.replacements.lock().unwrap().clear();
    assert!(is_served(&running, "/worker.bin").await);

    store.fail_after(u64::from(LARGE), Fault::Longer);
    assert!(!is_served(&running, "/worker.bin").await);
    hinted(&running, "ask again when the program that replaces it has ended");
    store.breaks_after.store(u64::MAX, std::sync::atomic::Ordering::SeqCst);
    assert!(is_served(&running, "/worker.bin").await);
}

#[tokio::test]
async fn a_repaired_blob_is_served() {
    let (store, release, context) = (MemoryStore::new(), sample_release("one"), Context::new());
    let publisher = Publisher::new(store.clone());
    publisher.publish(&release, &context).await.unwrap();
    let kernel = layout::blob(&release.manifest().images()["worker"].kernel.sha256);
    let size = release.manifest().images()["worker"].kernel.size;
    put(&store, kernel.as_str(), vec![7; usize::try_from(size).unwrap()]).await;
    let (running, place) = (Running::start(store).await, format!("/{kernel}"));
    assert!(!is_served(&running, &place).await);
    hinted(&running, "run `repair`");
    publisher.repair(*release.id(), &[RepairSource::release(&release)], &context).await.unwrap();
    assert!(is_served(&running, &place).await);
}

/// A store that needs this time for each object.
#[derive(Debug, Clone)]
struct Slow(MemoryStore, Duration);

impl fmt::Display for Slow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("a slow store")
    }
}

#[async_trait]
impl StoreLayer for Slow {
    fn inner(&self) -> &dyn Store {
        &self.0
    }

    async fn open(&self, path: &ReleasePath) -> Result<Option<ArtifactReader>, Error> {
        tokio::time::sleep(self.1).await;
        self.0.open(path).await
    }
}

#[tokio::test]
async fn a_slow_store_gets_more_time() {
    // For the first server, it is far too slow, also if a busy machine makes the server late.
    let slow = Slow(MemoryStore::new(), Duration::from_secs(3600));
    let store = Slow(slow.0.clone(), Duration::from_millis(500));
    put(&store.0, "current.ipxe", "#!ipxe\n").await;
    let short = StoreLimits { answer: Duration::from_millis(100), ..StoreLimits::default() };
    let running = Running::with_store_limits(slow, short).await;
    assert!(!is_served(&running, "/current.ipxe").await);
    hinted(&running, "a longer `answer` and `silence`");
    let running = Running::with_store_limits(store, StoreLimits::default()).await;
    assert!(is_served(&running, "/current.ipxe").await);
}

#[tokio::test]
async fn more_objects_are_open_at_once() {
    let store = MemoryStore::new();
    let (_, place) = put_blob(&store, 30_000_000).await;
    let limits = |open_objects| StoreLimits {
        open_objects,
        answer: Duration::from_secs(3),
        ..StoreLimits::default()
    };
    let running = Running::with_store_limits(store.clone(), limits(1)).await;
    let first = running.get(&place).send().await.unwrap();
    assert!(!is_served(&running, &place).await);
    hinted(&running, "`StoreLimits` with more `open_objects`");
    drop(first);
    let running = Running::with_store_limits(store, limits(2)).await;
    let _first = running.get(&place).send().await.unwrap();
    assert!(is_served(&running, &place).await);
}
