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

use crate::site;

/// The time for which the publishers publish.
const LOAD_TIME: Duration = Duration::from_secs(6);

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

async fn fetch(store: &Arc<dyn Store>, path: &str) -> Vec<u8> {
    let path = ReleasePath::new(path).unwrap();
    let reader = store.open(&path).await.unwrap();
    let mut reader = reader.unwrap_or_else(|| unreachable!("{path} is gone in mid-boot"));
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).await.unwrap();
    bytes
}

/// Boots like a machine that pauses between files. Returns the number of fetched files, or `None`
/// if the testing machine delayed the boot beyond the grace time.
async fn boot(store: &Arc<dyn Store>, slowness: u32) -> Option<usize> {
    let began = Instant::now();
    let pointer = String::from_utf8(fetch(store, "current.ipxe").await).unwrap();
    let chain = pointer.lines().find_map(|line| line.strip_prefix("chain releases/")).unwrap();
    let id: ReleaseId = chain.strip_suffix("/boot.ipxe").unwrap().parse().unwrap();
    let json = fetch(store, &format!("releases/{id}/manifest.json")).await;
    let objects = Manifest::from_json(&json).unwrap().objects();
    let files = u32::try_from(objects.len()).unwrap();
    for (path, content) in &objects {
        tokio::time::sleep(BOOT_TIME * slowness / (4 * files)).await;
        if began.elapsed() + Duration::from_millis(200) > GRACE {
            return None;
        }
        let bytes = fetch(store, path.as_str()).await;
        assert_eq!(Sha256Digest::of(&bytes), content.sha256, "{path} is torn");
    }
    Some(objects.len())
}

async fn check(name: &str, store: Arc<dyn Store>) {
    let context = Context::new();
    let publisher = Publisher::from(store.clone());
    publisher.publish(&release("first"), &context).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let activations = Arc::new(AtomicUsize::new(0));

    let mut work = Vec::new();
    for who in ["one", "two"] {
        let (publisher, activations) = (publisher.clone(), activations.clone());
        let (stop, context) = (stop.clone(), context.clone());
        work.push(tokio::spawn(async move {
            for n in 0.. {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                // Sometimes roll back to the earlier release.
                let done = if n % 7 == 6 {
                    publisher.rollback(RollbackTo::Previous, &context).await
                } else {
                    publisher.publish(&release(&format!("{who}-{n}")), &context).await
                };
                match done {
                    Ok(_) => drop(activations.fetch_add(1, Ordering::SeqCst)),
                    // Another publisher was faster, or pruning has deleted the earlier release.
                    Err(Error::Conflict { .. } | Error::NotStaged { .. }) => {}
                    Err(error) => unreachable!("{who} {n}: {error:?}"),
                }
                tokio::time::sleep(Duration::from_millis(60)).await;
            }
        }));
    }
    let pruning = {
        let (publisher, stop, context) = (publisher.clone(), stop.clone(), context.clone());
        tokio::spawn(async move {
            let retention = Retention::default().with_keep_last(1).with_grace(GRACE);
            let mut deleted = 0;
            while !stop.load(Ordering::SeqCst) {
                let report = publisher.prune(&retention, &context).await.unwrap();
                deleted += report.deleted.len();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            deleted
        })
    };
    let machines: Vec<_> = (0..6)
        .map(|slowness| {
            let (store, stop) = (store.clone(), stop.clone());
            tokio::spawn(async move {
                let (mut boots, mut files, mut held_up) = (0, 0, 0);
                while !stop.load(Ordering::SeqCst) {
                    match boot(&store, slowness % 5).await {
                        Some(fetched) => (boots, files) = (boots + 1, files + fetched),
                        None => held_up += 1,
                    }
                }
                (boots, files, held_up)
            })
        })
        .collect();
    tokio::time::sleep(LOAD_TIME).await;
    stop.store(true, Ordering::SeqCst);
    for work in work {
        work.await.unwrap();
    }
    let deleted = pruning.await.unwrap();
    let (mut boots, mut files, mut held_up) = (0, 0, 0);
    for machine in machines {
        let (whole, fetched, given_up) = machine.await.unwrap();
        (boots, files, held_up) = (boots + whole, files + fetched, held_up + given_up);
    }
    let activations = activations.load(Ordering::SeqCst);
    println!(
        "{name}: {activations} activations, {deleted} releases pruned, {boots} boots of {files} files, \
         none torn or gone; {held_up} boots took longer than the grace time"
    );
    assert!(activations >= 10 && deleted >= 5 && boots >= 20, "too little load");

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
