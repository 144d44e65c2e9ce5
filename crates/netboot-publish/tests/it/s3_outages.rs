//! The store waits for a server that is unreachable for a while or answers late. A swap during that
//! time returns the right result.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use netboot_core::Context;
use netboot_publish::{Publisher, Store, Swap, VerifyDepth, VerifyScope, contract};
use netboot_testbed::S3Server;

use crate::patience::{PATIENCE, soon};
use crate::s3::{Site, get, path, put, upload};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_is_waited_for() {
    for start in [S3Server::ministack, S3Server::nanio] {
        let mut site = Site::new(start);
        let store = site.builder().retries(20, PATIENCE).build().await.unwrap();
        let publisher = Publisher::new(store);
        let one = contract::sample_release("one");
        publisher.publish(&one, &Context::new()).await.unwrap();
        site.server.kill();
        let publishing = {
            let (publisher, two) = (publisher.clone(), contract::sample_release("two"));
            tokio::spawn(async move { publisher.publish(&two, &Context::new()).await })
        };
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert!(!publishing.is_finished());
        site.server.restart();
        let receipt = soon(publishing).await.unwrap().unwrap();
        assert_eq!(receipt.previous, Some(*one.id()));
        let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
        let report = publisher.verify(scope, depth, &Context::new()).await.unwrap();
        assert!(report.is_clean(), "{report}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_not_answered_is_made_again() {
    let site = Site::new(S3Server::ministack);
    let timeout = Duration::from_secs(5);
    let builder = site.builder().timeout(timeout).retries(20, PATIENCE).part_size(5 << 20);
    let store = builder.build().await.unwrap();
    put(&store, "blobs/before", "before").await;
    site.server.pause();
    let sending = {
        let store = store.clone();
        let uploads = vec![
            upload("blobs/small", "small"),
            upload("blobs/large", vec![7; 12_000_000]),
            upload("releases/0/boot.ipxe", "#!ipxe\n"),
        ];
        tokio::spawn(async move { store.send(uploads, &Context::new()).await })
    };
    tokio::time::sleep(timeout + Duration::from_millis(500)).await;
    assert!(!sending.is_finished());
    site.server.resume();
    soon(sending).await.unwrap().unwrap();
    assert_eq!(get(&store, "blobs/small").await.unwrap(), "small");
    assert!(get(&store, "blobs/large").await.unwrap() == vec![7; 12_000_000]);
}

/// With one writer and a server that is killed repeatedly, no swap is lost, and none counts as
/// another writer's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_whose_answer_is_lost_is_not_taken_for_a_conflict() {
    let mut site = Site::new(S3Server::ministack);
    let store = site.builder().retries(20, PATIENCE).build().await.unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let kills = Arc::new(AtomicU64::new(0));
    let killer = {
        let (ended, kills) = (ended.clone(), kills.clone());
        thread::spawn(move || {
            // The server is up for longer than its start takes, also on a slow machine.
            let mut start = Duration::ZERO;
            while !ended.load(Ordering::Relaxed) {
                // The pause varies, so that the kills are not in step with the writer.
                let kills = kills.fetch_add(1, Ordering::Relaxed);
                thread::sleep(start * 2 + Duration::from_millis(311 + kills * 7));
                let begin = Instant::now();
                site.server.restart();
                start = begin.elapsed();
            }
        })
    };
    let pointer = path("current.ipxe");
    let mut last = Bytes::new();
    let mut swaps = 0..;
    while swaps.start < 150 || kills.load(Ordering::Relaxed) < 3 {
        let n = swaps.next().unwrap();
        let there = soon(store.read(&pointer)).await.unwrap();
        let found = there.as_ref().map_or_else(Bytes::new, |there| there.bytes.clone());
        assert_eq!(found, last, "swap {n}");
        last = Bytes::from(format!("#!ipxe\n# {n}\n"));
        let version = there.map(|there| there.version);
        let swap = store.swap(&pointer, version.as_ref(), last.clone());
        assert_eq!(soon(swap).await.unwrap(), Swap::Done, "swap {n}");
    }
    ended.store(true, Ordering::Relaxed);
    killer.join().unwrap();
}
