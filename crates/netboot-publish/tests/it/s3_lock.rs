//! The lock of a bucket: one holder at a time, across processes, and it ends with the process.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use netboot_core::{CancellationToken, Context};
use netboot_publish::{Error, S3Store, Store, StoreLock};
use netboot_testbed::S3Server;

use crate::s3::{BUCKET, Site, soon};

const LEASE: Duration = Duration::from_secs(3);

/// A store with its own connections and its own lock thread, like a store on another machine.
async fn machine(site: &Site) -> S3Store {
    site.builder().lock_lease(LEASE).build().await.unwrap()
}

async fn lock(store: &S3Store) -> StoreLock {
    soon(Duration::from_secs(60), store.lock(&Context::new())).await.unwrap()
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
        });
    }
    while let Some(ended) = machines.join_next().await {
        ended.unwrap();
    }
    assert_eq!(entered.load(Ordering::SeqCst), 12);
    assert!(!is_there(&site.server), "the lock outlived its guard");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_is_renewed_as_long_as_it_is_held() {
    let site = Site::new(S3Server::ministack);
    let (one, other) = (machine(&site).await, machine(&site).await);
    let guard = lock(&one).await;
    let waiting = tokio::spawn(async move { lock(&other).await });
    tokio::time::sleep(LEASE * 2).await;
    assert!(!waiting.is_finished(), "the lock was taken from a living holder");
    drop(guard);
    drop(soon(LEASE, waiting).await.unwrap());
    assert!(!is_there(&site.server));
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
    let cancelled = soon(Duration::from_secs(5), waiting).await.unwrap();
    assert!(matches!(cancelled, Err(Error::Cancelled)), "{cancelled:?}");
    drop(guard);
    assert!(!is_there(&site.server));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_another_took_over_is_known_to_be_lost() {
    let site = Site::new(S3Server::ministack);
    let guard = lock(&machine(&site).await).await;
    assert!(!guard.is_lost());
    let answer = site.server.request("DELETE", &format!("/{BUCKET}/.netboot/lock"), "");
    assert!(answer.contains(" 204 "), "{answer}");
    let others = lock(&machine(&site).await).await;
    let is_lost = async {
        while !guard.is_lost() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon(LEASE, is_lost).await;
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
        drop(guard);
        assert!(!is_there(&site.server));
        // The store may be dropped before the lock.
        let guard = lock(&store).await;
        drop(store);
        drop(guard);
        assert!(!is_there(&site.server));
    });
}

/// Names the server for a process that this test starts and kills.
const INSIDE: &str = "NETBOOT_TEST_S3_INSIDE";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lock_of_a_killed_publisher_ends_with_its_lease() {
    if let Ok(endpoint) = std::env::var(INSIDE) {
        let keys = netboot_publish::S3Keys::new("any", "any");
        let builder = S3Store::builder(BUCKET).endpoint(endpoint).allow_http(true);
        let store = builder.credentials(keys).lock_lease(LEASE).build().await.unwrap();
        let _guard = lock(&store).await;
        std::future::pending::<()>().await;
    }
    let site = Site::new(S3Server::ministack);
    let mut publisher = Command::new(std::env::current_exe().unwrap())
        .args(["s3_lock::the_lock_of_a_killed_publisher_ends_with_its_lease", "--exact"])
        .env(INSIDE, site.server.endpoint())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while !is_there(&site.server) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    publisher.kill().unwrap();
    publisher.wait().unwrap();
    let begin = Instant::now();
    let guard = lock(&machine(&site).await).await;
    assert!(begin.elapsed() > LEASE, "the lease was not awaited: {:?}", begin.elapsed());
    drop(guard);
    assert!(!is_there(&site.server));
}
