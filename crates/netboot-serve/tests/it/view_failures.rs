//! What a client of a view gets when the store fails.

use std::sync::atomic::Ordering;

use futures::StreamExt;
use reqwest::StatusCode;
use reqwest::header::{ETAG, IF_RANGE, RANGE, RETRY_AFTER};

use crate::faulty::{Fault, Faulty};
use crate::running::{Running, put, put_blob};

#[tokio::test]
async fn a_store_that_cannot_be_read_is_told_without_its_secrets() {
    let store = Faulty::new();
    put(&store, "boot.ipxe", "#!ipxe\n").await;
    let running = Running::start(store.clone()).await;
    store.is_down.store(true, Ordering::SeqCst);
    let answer = running.get("/boot.ipxe").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()[RETRY_AFTER], "2");
    let text = format!("{:?} {}", answer.headers().clone(), answer.text().await.unwrap());
    assert!(!text.contains("hunter2") && !text.contains("secret-bucket"), "{text}");
    let failures = running.failures.lock().unwrap().clone();
    assert_eq!(failures.len(), 1);
    assert!(failures[0].starts_with("boot.ipxe: cannot read `s3://secret-bucket`"), "{failures:?}");
    store.is_down.store(false, Ordering::SeqCst);
    assert_eq!(running.get("/boot.ipxe").send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn an_object_that_breaks_off_is_never_taken_for_whole_and_is_resumed() {
    let store = Faulty::new();
    let (bytes, place) = put_blob(&store.inner, 3_000_000).await;
    let running = Running::start(store.clone()).await;
    store.fail_after(1_000_000, Fault::Broken);
    let answer = running.get(&place).send().await.unwrap();
    assert_eq!(answer.content_length(), Some(3_000_000));
    let tag = answer.headers()[ETAG].clone();
    let (mut received, mut has_failed) = (Vec::new(), false);
    let mut body = answer.bytes_stream();
    while let Some(chunk) = body.next().await {
        match chunk {
            Ok(chunk) => received.extend_from_slice(&chunk),
            Err(_) => has_failed = true,
        }
    }
    assert!(has_failed, "{} bytes were taken for the whole", received.len());
    assert!(received.len() <= 1_000_000 && received == bytes[..received.len()]);
    let failures = running.failures.lock().unwrap().clone();
    assert_eq!(failures.len(), 1, "{failures:?}");

    store.fail_after(u64::MAX, Fault::Broken);
    let rest = running.get(&place).header(IF_RANGE, tag);
    let rest = rest.header(RANGE, format!("bytes={}-", received.len())).send().await.unwrap();
    assert_eq!(rest.status(), StatusCode::PARTIAL_CONTENT);
    received.extend_from_slice(&rest.bytes().await.unwrap());
    assert!(received == bytes, "the resumed object is whole");
}

#[tokio::test]
async fn a_small_object_that_breaks_off_is_a_server_error() {
    let store = Faulty::new();
    put(&store.inner, "current.ipxe", "#!ipxe\n# a pointer\n").await;
    let running = Running::start(store.clone()).await;
    store.fail_after(7, Fault::Broken);
    let answer = running.get("/current.ipxe").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(answer.text().await.unwrap(), "Bad Gateway\n");
}
