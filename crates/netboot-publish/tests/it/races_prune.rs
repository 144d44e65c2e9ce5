//! A server keeps the files that a machine needs for the grace time after the boot began, even if
//! publishers publish and prune meanwhile. `retention_under_load.rs` tests directories and memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use netboot_core::{ArtifactKind, Context, Release};
use netboot_publish::{Error, Publisher, Retention, RollbackTo, VerifyDepth, VerifyScope};

use crate::faults::{Kind, Reader, Target};
use crate::patience::PATIENCE;
use crate::site;

/// The minimum number of deleted releases, and of booted machines.
const DELETED: usize = 4;
const BOOTS: usize = 10;
/// The resolution of file times with rsync. A file may be deleted this much before the end of the
/// grace time.
const CLOCK: Duration = Duration::from_secs(1);

fn release(generation: &str) -> Release {
    let bytes = |kind, name: &str, salt: &str| {
        site::bytes(kind, name, site::noise(&format!("{generation} {salt}"), 20_000))
    };
    let kernel = bytes(ArtifactKind::Kernel, "bzImage", "kernel");
    site::release_of(generation, kernel, bytes(ArtifactKind::Initrd, "initrd", "initrd"))
}

/// Publishes, and sometimes rolls back, until the test stops it. Pruning may delete what a
/// publisher needs longer than the grace time for, which is no broken promise.
async fn publish_on(publisher: Publisher, grace: Duration, stop: Arc<AtomicBool>) -> usize {
    let context = Context::new();
    for n in 0.. {
        if stop.load(Ordering::SeqCst) {
            return n;
        }
        let began = Instant::now();
        let done = if n % 7 == 6 {
            publisher.rollback(RollbackTo::Previous, &context).await
        } else {
            publisher.publish(&release(&format!("generation-{n}")), &context).await
        };
        match done {
            Ok(_) => {}
            // Pruning has deleted the earlier release.
            Err(Error::NotStaged { .. }) if n % 7 == 6 => {}
            Err(_) if began.elapsed() + CLOCK > grace => {}
            Err(error) => panic!("{n}: {error:?}"),
        }
    }
    unreachable!("it is told to stop")
}

#[derive(Debug, Default)]
struct Machines {
    boots: AtomicUsize,
    objects: AtomicUsize,
    held_up: AtomicUsize,
}

/// Boots again and again. A machine that needs longer than the grace time may miss files, which is
/// no broken promise.
async fn boot_on(
    reader: Reader,
    (grace, pause): (Duration, Duration),
    machines: Arc<Machines>,
    stop: Arc<AtomicBool>,
) {
    while !stop.load(Ordering::SeqCst) {
        let (reader, began) = (reader.clone(), Instant::now());
        let boot = tokio::spawn(async move { reader.boot_slowly(pause).await }).await;
        match boot {
            Ok((_, objects)) => {
                machines.boots.fetch_add(1, Ordering::SeqCst);
                machines.objects.fetch_add(objects, Ordering::SeqCst);
            }
            Err(_) if began.elapsed() + CLOCK > grace => {
                machines.held_up.fetch_add(1, Ordering::SeqCst);
            }
            Err(torn) => std::panic::resume_unwind(torn.into_panic()),
        }
    }
}

async fn check(kind: Kind) {
    let target = Target::start(kind);
    let publisher = Publisher::from(target.place("site").store().await);
    // A second store stands for another process.
    let pruner = Publisher::from(target.place("site").store().await);
    let reader = target.reader("site").await;
    let context = Context::new();
    publisher.publish(&release("first"), &context).await.unwrap();
    let begun = Instant::now();
    publisher.publish(&release("second"), &context).await.unwrap();
    // Without a lock, only the grace time protects a release that is being staged.
    let grace = (begun.elapsed() * 6).max(Duration::from_secs(3));

    let (stop, machines) = (Arc::new(AtomicBool::new(false)), Arc::new(Machines::default()));
    let publishing = tokio::spawn(publish_on(publisher.clone(), grace, stop.clone()));
    let booting: Vec<_> = (0..3)
        .map(|slowness| {
            let times = (grace, grace * slowness / 8);
            tokio::spawn(boot_on(reader.clone(), times, machines.clone(), stop.clone()))
        })
        .collect();
    let (mut deleted, mut prunings, begun) = (0, 0, Instant::now());
    let retention = Retention::default().with_keep_last(1).with_grace(grace);
    // Both times grow with the time that a publish takes on this machine.
    let limit = PATIENCE + grace * 40;
    while deleted < DELETED || machines.boots.load(Ordering::SeqCst) < BOOTS {
        assert!(limit > begun.elapsed(), "{kind:?}: {deleted} deleted, {machines:?}");
        deleted += pruner.prune(&retention, &context).await.unwrap().deleted.len();
        prunings += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.store(true, Ordering::SeqCst);
    let activations = publishing.await.unwrap();
    for booting in booting {
        booting.await.unwrap();
    }
    println!(
        "{kind:?}: {activations} activations, {deleted} releases deleted by {prunings} prunings with \
         a grace time of {grace:.1?}, {} boots read {} objects, none torn or gone; {} boots took \
         longer; {:.1?}",
        machines.boots.load(Ordering::SeqCst),
        machines.objects.load(Ordering::SeqCst),
        machines.held_up.load(Ordering::SeqCst),
        begun.elapsed()
    );
    // In the end, pruning deletes unwanted releases completely.
    tokio::time::sleep(CLOCK * 2).await;
    let retention = Retention::default().with_keep_last(1).with_grace(Duration::ZERO);
    pruner.prune(&retention, &context).await.unwrap();
    assert_eq!(publisher.releases().await.unwrap().len(), 1);
    let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
    let report = publisher.verify(scope, depth, &context).await.unwrap();
    assert!(report.is_clean(), "{report}");
    reader.boot().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_ministack() {
    check(Kind::Ministack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_nanio() {
    check(Kind::Nanio).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_daemon() {
    check(Kind::Daemon).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_ssh() {
    check(Kind::Ssh).await;
}
