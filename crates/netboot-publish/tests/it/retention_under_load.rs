//! A target keeps the files that a machine needs for the grace time after the boot began, even if
//! publishers publish, roll back and prune meanwhile.
#![cfg(feature = "local")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use netboot_core::{
    ArtifactKind, Context, Manifest, Release, ReleaseId, ReleasePath, Sha256Digest,
};
use netboot_publish::{
    Error, LocalStore, MemoryStore, Publisher, Retention, RollbackTo, Store, VerifyDepth,
    VerifyScope,
};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

use crate::patience::PATIENCE;
use crate::site;

/// The numbers of activations, deleted releases and whole boots that make a load. The publishers
/// work until all are reached: a slow disk makes the test slower, not weaker.
const ENOUGH: [usize; 3] = [25, 20, 200];

/// The grace time. A machine's boot begins and ends within it.
const GRACE: Duration = Duration::from_millis(1500);

/// The time from a machine's first file to its last, without delays.
const BOOT_TIME: Duration = Duration::from_secs(1);

fn release(generation: &str) -> Release {
    let bytes = |kind, name: &str, salt: &str| {
        site::bytes(kind, name, site::noise(&format!("{generation} {salt}"), 20_000))
    };
    let kernel = bytes(ArtifactKind::Kernel, "bzImage", "kernel");
    site::release_of(generation, kernel, bytes(ArtifactKind::Initrd, "initrd", "initrd"))
}

/// Fetches a file, or `None` if it is gone and may be gone.
///
/// The testing machine can delay a boot beyond the grace time. A tenth of that time is for the
/// coarse clock of file times.
async fn fetch(store: &Arc<dyn Store>, path: &str, began: Instant) -> Option<Vec<u8>> {
    let path = ReleasePath::new(path).unwrap();
    let Some(mut reader) = store.open(&path).await.unwrap() else {
        assert!(began.elapsed() > GRACE * 9 / 10, "{path} is gone in mid-boot");
        return None;
    };
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).await.unwrap();
    Some(bytes)
}

/// Boots like a machine that pauses between files. Returns false if the testing machine delayed
/// the boot so much that a file was gone.
async fn boot(store: &Arc<dyn Store>, slowness: u32) -> bool {
    let began = Instant::now();
    let fetch = async |path: &str| fetch(store, path, began).await;
    let pointer = String::from_utf8(fetch("current.ipxe").await.unwrap()).unwrap();
    let chain = pointer.lines().find_map(|line| line.strip_prefix("chain releases/")).unwrap();
    let id: ReleaseId = chain.strip_suffix("/boot.ipxe").unwrap().parse().unwrap();
    let Some(json) = fetch(&format!("releases/{id}/manifest.json")).await else {
        return false;
    };
    let objects = Manifest::from_json(&json).unwrap().objects();
    let files = u32::try_from(objects.len()).unwrap();
    for (path, content) in &objects {
        tokio::time::sleep(BOOT_TIME * slowness / (4 * files)).await;
        let Some(bytes) = fetch(path.as_str()).await else {
            return false;
        };
        assert_eq!(Sha256Digest::of(&bytes), content.sha256, "{path} is torn");
    }
    true
}

async fn check(name: &str, store: Arc<dyn Store>) {
    let context = Context::new();
    let publisher = Publisher::from(store.clone());
    publisher.publish(&release("first"), &context).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let counts: Arc<[AtomicUsize; 3]> = Arc::default();

    let mut work = Vec::new();
    for who in ["one", "two"] {
        let (publisher, counts) = (publisher.clone(), counts.clone());
        let (stop, context) = (stop.clone(), context.clone());
        work.push(tokio::spawn(async move {
            for n in 0.. {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let began = Instant::now();
                // Sometimes roll back to the earlier release.
                let done = if n % 7 == 6 {
                    publisher.rollback(RollbackTo::Previous, &context).await
                } else {
                    publisher.publish(&release(&format!("{who}-{n}")), &context).await
                };
                match done {
                    Ok(_) => drop(counts[0].fetch_add(1, Ordering::SeqCst)),
                    // Another publisher was faster, or pruning has deleted the earlier release.
                    Err(Error::Conflict { .. } | Error::NotStaged { .. }) => {}
                    // Pruning may delete what a publisher needs for longer than the grace time.
                    Err(Error::NotWhole { .. }) if began.elapsed() > GRACE * 9 / 10 => {}
                    Err(error) => unreachable!("{who} {n}: {error:?}"),
                }
                tokio::time::sleep(Duration::from_millis(60)).await;
            }
        }));
    }
    let pruning = {
        let (publisher, counts) = (publisher.clone(), counts.clone());
        let (stop, context) = (stop.clone(), context.clone());
        tokio::spawn(async move {
            let retention = Retention::default().with_keep_last(1).with_grace(GRACE);
            while !stop.load(Ordering::SeqCst) {
                let report = publisher.prune(&retention, &context).await.unwrap();
                counts[1].fetch_add(report.deleted.len(), Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
    };
    let machines: Vec<tokio::task::JoinHandle<usize>> = (0..6)
        .map(|slowness| {
            let (store, stop, counts) = (store.clone(), stop.clone(), counts.clone());
            tokio::spawn(async move {
                let mut held_up = 0;
                while !stop.load(Ordering::SeqCst) {
                    if boot(&store, slowness % 5).await {
                        counts[2].fetch_add(1, Ordering::SeqCst);
                    } else {
                        held_up += 1;
                    }
                }
                held_up
            })
        })
        .collect();
    let done = || [0, 1, 2].map(|index: usize| counts[index].load(Ordering::SeqCst));
    let began = Instant::now();
    while done().iter().zip(ENOUGH).any(|(done, enough)| *done < enough) {
        assert!(began.elapsed() < PATIENCE, "too little load: {:?} of {ENOUGH:?}", done());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.store(true, Ordering::SeqCst);
    for work in work {
        work.await.unwrap();
    }
    pruning.await.unwrap();
    let mut held_up = 0;
    for machine in machines {
        held_up += machine.await.unwrap();
    }
    let [activations, deleted, boots] = done();
    println!(
        "{name}: {activations} activations, {deleted} releases pruned, {boots} whole boots, no \
         file torn or gone; {held_up} boots took longer than the grace time"
    );

    // In the end, pruning deletes unwanted releases completely.
    tokio::time::sleep(GRACE + Duration::from_secs(1)).await;
    let retention = Retention::default().with_keep_last(1).with_grace(Duration::from_millis(200));
    publisher.prune(&retention, &context).await.unwrap();
    assert_eq!(publisher.releases().await.unwrap().len(), 1);
    let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
    let report = publisher.verify(scope, depth, &context).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_directory() {
    let root = TempDir::new().unwrap();
    check("directory", Arc::new(LocalStore::new(root.path()))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory() {
    check("memory", Arc::new(MemoryStore::new())).await;
}
