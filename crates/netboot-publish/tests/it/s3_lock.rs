//! The lock of a bucket: one holder at a time, across processes, and it ends with the process.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use netboot_core::{CancellationToken, Context};
use netboot_publish::{Error, S3Store, Store, StoreLock};
use netboot_testbed::{S3Server, TestProcess};

use crate::patience::{PATIENCE, soon, until};
use crate::s3::{BUCKET, Site, builder_at};

/// The lease of a holder that loses its lock in a test.
const LEASE: Duration = Duration::from_secs(3);

/// A store with its own connections and its own lock thread, like a store on another machine.
async fn machine(site: &Site) -> S3Store {
    machine_with(site, PATIENCE).await
}

async fn machine_with(site: &Site, lease: Duration) -> S3Store {
    site.builder().lock_lease(lease).build().await.unwrap()
}

async fn lock(store: &S3Store) -> StoreLock {
    soon(store.lock(&Context::new())).await.unwrap()
}

/// Returns true if the bucket has a lock object.
fn is_there(server: &S3Server) -> bool {
    let answer = server.request("HEAD", &format!("/{BUCKET}/.netboot/lock"), "");
    assert!(answer.contains(" 200 ") || answer.contains(" 404 "), "{answer}");
    answer.contains(" 200 ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_machine_at_a_time_holds_the_lock() {
    let site = Site::new(S3Server::ministack);
    let (held, entered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut machines = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (store, held, entered) = (machine(&site).await, held.clone(), entered.clone());
        machines.spawn(async move {
            for _ in 0..3 {
                let guard = lock(&store).await;
                assert!(!held.swap(true, Ordering::SeqCst), "two publishers hold the lock");
                tokio::time::sleep(Duration::from_millis(20)).await;
                held.store(false, Ordering::SeqCst);
                entered.fetch_add(1, Ordering::SeqCst);
                drop(guard);
            }
            store
        });
    }
    // The stores live on, so that a slow release of the lock comes to its end.
    let stores = machines.join_all().await;
    assert_eq!(entered.load(Ordering::SeqCst), 12);
    until("the release of the lock", || !is_there(&site.server)).await;
    drop(stores);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_is_renewed_as_long_as_it_is_held() {
    let site = Site::new(S3Server::ministack);
    // The holder knows it if the machine was too slow to renew the lock: then the lease was too
    // short for this test.
    for lease in [LEASE, LEASE * 5, LEASE * 20] {
        let (one, other) = (machine_with(&site, lease).await, machine(&site).await);
        let guard = lock(&one).await;
        let waiting = tokio::spawn(async move { lock(&other).await });
        tokio::time::sleep(lease * 2).await;
        let (is_lost, is_taken) = (guard.is_lost(), waiting.is_finished());
        drop(guard);
        drop(soon(waiting).await.unwrap());
        if !is_lost {
            assert!(!is_taken, "the lock was taken from a living holder");
            until("the release of the lock", || !is_there(&site.server)).await;
            return;
        }
    }
    panic!("no lock was renewed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_gives_up_waiting_or_is_cancelled_leaves_nothing() {
    let site = Site::new(S3Server::ministack);
    let (one, other) = (machine(&site).await, machine(&site).await);
    for delay in 0..20 {
        let delay = Duration::from_micros(delay * 300);
        let _ = tokio::time::timeout(delay, one.lock(&Context::new())).await;
    }
    let guard = lock(&one).await;
    let token = CancellationToken::new();
    let context = Context::new().with_cancellation(token.clone());
    let waiting = tokio::spawn(async move { other.lock(&context).await.map(drop) });
    tokio::time::sleep(Duration::from_millis(300)).await;
    token.cancel();
    let cancelled = soon(waiting).await.unwrap();
    assert!(matches!(cancelled, Err(Error::Cancelled)), "{cancelled:?}");
    drop(guard);
    until("the release of the lock", || !is_there(&site.server)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_another_took_over_is_known_to_be_lost() {
    let site = Site::new(S3Server::ministack);
    let guard = lock(&machine_with(&site, LEASE * 4).await).await;
    assert!(!guard.is_lost());
    let answer = site.server.request("DELETE", &format!("/{BUCKET}/.netboot/lock"), "");
    assert!(answer.contains(" 204 "), "{answer}");
    let others = lock(&machine(&site).await).await;
    until("the loss of the lock", || guard.is_lost()).await;
    assert!(!others.is_lost());
    drop(guard);
    assert!(is_there(&site.server), "the lock of the other publisher is gone");
    drop(others);
}

/// A program that ends right after publishing leaves no lock, with every kind of runtime.
#[test]
fn a_guard_waits_until_the_lock_is_gone() {
    let site = Site::new(S3Server::ministack);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = machine(&site).await;
        let guard = lock(&store).await;
        assert!(is_there(&site.server));
        let waits = |guard: StoreLock| {
            let begin = Instant::now();
            drop(guard);
            // A server that does not answer is not waited for longer.
            assert!(!is_there(&site.server) || begin.elapsed() >= Duration::from_secs(5));
        };
        waits(guard);
        // The store may be dropped before the lock.
        let guard = lock(&store).await;
        drop(store);
        waits(guard);
    });
}

/// Names the server for a process that this test starts and kills.
const INSIDE: &str = "NETBOOT_TEST_S3_INSIDE";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lock_of_a_killed_publisher_ends_with_its_lease() {
    if let Ok(endpoint) = std::env::var(INSIDE) {
        let store = builder_at(endpoint).lock_lease(LEASE).build().await.unwrap();
        let _guard = lock(&store).await;
        std::future::pending::<()>().await;
    }
    let site = Site::new(S3Server::ministack);
    let name = "s3_lock::the_lock_of_a_killed_publisher_ends_with_its_lease";
    let mut publisher = TestProcess::new(name)
        .env(INSIDE, site.server.endpoint())
        .command()
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("a lock", || is_there(&site.server)).await;
    publisher.kill().unwrap();
    publisher.wait().unwrap();
    let begin = Instant::now();
    let guard = lock(&machine(&site).await).await;
    assert!(begin.elapsed() > LEASE, "the lease was not awaited: {:?}", begin.elapsed());
    drop(guard);
    until("the release of the lock", || !is_there(&site.server)).await;
}
