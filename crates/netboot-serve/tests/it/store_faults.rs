//! What a client of a view gets when the store gives something else than it told, or nothing.

use std::time::Duration;

use bytes::Bytes;
use netboot_core::Sha256Digest;
use netboot_publish::{MemoryStore, Store};
use netboot_serve::{Notice, StoreLimits};
use reqwest::header::{CACHE_CONTROL, ETAG, RANGE, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use tokio::time::timeout;

use crate::faulty::{Fault, Faulty};
use crate::running::{Running, put, put_blob};

const LARGE: u32 = 600_000;

/// The body of an answer, or `None` if it breaks off.
async fn body(answer: Response) -> Option<Bytes> {
    assert_eq!(answer.status(), StatusCode::OK);
    answer.bytes().await.ok()
}

/// Other bytes of the same size.
fn other(bytes: &[u8]) -> Bytes {
    bytes.iter().map(|byte| byte ^ 1).collect()
}

/// Puts other bytes of this size in the place of a blob.
async fn put_damaged(store: &dyn Store, size: u32) -> String {
    let (bytes, place) = put_blob(store, size).await;
    put(store, place.strip_prefix('/').unwrap(), other(&bytes)).await;
    place
}

fn only(failures: &Running) -> String {
    let failures = failures.failures.lock().unwrap().clone();
    assert_eq!(failures.len(), 1, "{failures:?}");
    failures[0].clone()
}

#[tokio::test]
async fn an_object_that_is_longer_than_the_store_told_is_never_taken_for_whole() {
    for is_blob in [true, false] {
        let store = Faulty::new();
        let (bytes, mut place) = put_blob(&store.inner, LARGE).await;
        if !is_blob {
            put(&store.inner, "worker.bin", bytes).await;
            place = "/worker.bin".to_owned();
        }
        store.fail_after(u64::from(LARGE), Fault::Longer);
        let running = Running::start(store).await;
        let answer = running.get(&place).send().await.unwrap();
        assert!(body(answer).await.is_none(), "{place}");
        assert!(only(&running).contains("more bytes than the store told"));
    }
}

#[tokio::test]
async fn a_blob_with_other_bytes_is_never_taken_for_whole() {
    let store = MemoryStore::new();
    let (small, large) = (put_damaged(&store, 1000).await, put_damaged(&store, LARGE).await);
    let running = Running::start(store.clone()).await;
    for request in [running.get(&small), running.get(&small).header(RANGE, "bytes=3-5")] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
        assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
    }
    running.failures.lock().unwrap().clear();
    assert!(body(running.get(&large).send().await.unwrap()).await.is_none());
    assert!(only(&running).contains("its bytes do not have the SHA-256 digest"));
    let part = running.get(&large).header(RANGE, "bytes=3-5").send().await.unwrap();
    assert_eq!(part.headers()[CACHE_CONTROL], "no-store", "nothing checked it");
}

#[tokio::test]
async fn an_object_that_is_replaced_meanwhile_is_of_one_version() {
    let versions: Vec<Bytes> = (0..9u8).map(|n| vec![n; LARGE as usize].into()).collect();
    for (replaced, range) in [(2, None), (2, Some("bytes=10-")), (9, None), (9, Some("bytes=10-"))]
    {
        let store = Faulty::new();
        put(&store.inner, "worker.bin", vec![99; LARGE as usize]).await;
        store.replacements.lock().unwrap().extend(versions[..replaced].iter().cloned());
        let running = Running::start(store).await;
        let mut request = running.get("/worker.bin");
        if let Some(range) = range {
            request = request.header(RANGE, range);
        }
        let answer = request.send().await.unwrap();
        if replaced == 9 {
            // As often as the view looks.
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(answer.headers()[RETRY_AFTER], "2");
            assert!(only(&running).contains("is replaced again and again"));
            continue;
        }
        let entries = running.get("/worker.bin").send().await.unwrap();
        let time = |answer: &Response| {
            let tag = answer.headers()[ETAG].to_str().unwrap().to_owned();
            tag.rsplit_once('-').unwrap().0.to_owned()
        };
        assert_eq!(time(&answer), time(&entries), "the tag is that of the last version");
        let bytes = answer.bytes().await.unwrap();
        assert!(bytes.iter().all(|byte| *byte == 1), "the bytes are those of the last version");
    }
}

/// Limits that a test can wait for.
fn short() -> StoreLimits {
    let (answer, silence) = (Duration::from_millis(300), Duration::from_millis(300));
    StoreLimits { answer, silence, ..StoreLimits::default() }
}

#[tokio::test]
async fn a_store_that_gives_nothing_keeps_no_client_and_no_server() {
    let store = Faulty::new();
    let (_, place) = put_blob(&store.inner, LARGE).await;
    put(&store.inner, "current.ipxe", "#!ipxe\n").await;
    store.fail_after(3, Fault::Silent);
    let mut running = Running::with_store_limits(store, short()).await;
    let answer = running.get("/current.ipxe").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()[RETRY_AFTER], "2");
    let answer = running.get(&place).send().await.unwrap();
    running.stop.cancel();
    assert!(body(answer).await.is_none());
    timeout(Duration::from_secs(240), &mut running.task).await.expect("it ends").unwrap();
    let failures = running.failures.lock().unwrap().clone();
    assert_eq!(failures.len(), 2, "{failures:?}");
    assert!(failures.iter().all(|failure| failure.ends_with("the store gave nothing for 0.3 s")));
    let notices = running.notices.lock().unwrap();
    assert!(notices.iter().all(|notice| matches!(notice, Notice::Accepted)), "{notices:?}");
}

#[tokio::test]
async fn a_client_is_not_blamed_for_a_store_that_is_too_slow() {
    let store = Faulty::new();
    let (_, place) = put_blob(&store.inner, LARGE).await;
    store.fail_after(300_000, Fault::TimedOut);
    let mut running = Running::start(store).await;
    assert!(body(running.get(&place).send().await.unwrap()).await.is_none());
    running.stop.cancel();
    timeout(Duration::from_secs(240), &mut running.task).await.expect("it ends").unwrap();
    assert!(only(&running).ends_with(": too late"));
    let notices = running.notices.lock().unwrap();
    assert!(notices.iter().all(|notice| matches!(notice, Notice::Accepted)), "{notices:?}");
}

#[tokio::test]
async fn only_so_many_objects_are_open() {
    let store = MemoryStore::new();
    let (bytes, place) = put_blob(&store, 30_000_000).await;
    let answer = Duration::from_secs(3);
    let limits = StoreLimits { open_objects: 1, answer, ..StoreLimits::default() };
    let running = Running::with_store_limits(store, limits).await;
    let first = running.get(&place).send().await.unwrap();
    let second = running.get(&place).send().await.unwrap();
    assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(second.headers()[RETRY_AFTER], "2");
    assert!(only(&running).contains("opened for 3 s, and the limit of open objects is 1"));
    let first = first.bytes().await.unwrap();
    assert!(Sha256Digest::of(&first) == Sha256Digest::of(&bytes));
    let third = running.get(&place).send().await.unwrap();
    assert_eq!(third.status(), StatusCode::OK, "a closed object makes room");
}
