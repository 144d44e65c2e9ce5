//! A file remembers what an S3 server supports, so that the next program does not test it again.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use netboot_core::Context;
use netboot_publish::contract::sample_release;
use netboot_publish::{Error, Publisher, S3Failure, S3Store, Store};
use netboot_testbed::{FaultProxy, HttpFault, Moment, S3Server};
use tempfile::TempDir;

use crate::s3::Site;

/// A server behind a proxy that counts, and that can be told to refuse conditional writes.
struct Remembering {
    site: Site,
    proxy: FaultProxy,
    refuses: Arc<AtomicBool>,
    state: TempDir,
}

impl Remembering {
    fn new() -> Self {
        let site = Site::new(S3Server::ministack);
        let refuses = Arc::new(AtomicBool::new(false));
        let shared = refuses.clone();
        let proxy = FaultProxy::http(site.server.address(), move |request, moment| {
            let head = request.head.to_ascii_lowercase();
            let is_conditional =
                head.contains("\r\nif-match:") || head.contains("\r\nif-none-match:");
            if shared.load(Ordering::SeqCst) && is_conditional && moment == Moment::Asked {
                let (status, code) = ("501 Not Implemented".into(), "NotImplemented".into());
                return HttpFault::Error { status, code };
            }
            HttpFault::None
        });
        Self { site, proxy, refuses, state: TempDir::new().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.state.path().join("new/servers.json")
    }

    async fn store(&self) -> S3Store {
        self.site.behind(&self.proxy).server_memory(self.file()).build().await.unwrap()
    }

    /// Builds a store, and tells how many requests that took.
    async fn requests(&self) -> (S3Store, u64) {
        let before = self.proxy.requests();
        let store = self.store().await;
        (store, self.proxy.requests() - before)
    }
}

#[tokio::test]
async fn a_server_is_tested_once() {
    let site = Remembering::new();
    let (store, requests) = site.requests().await;
    assert!(store.capabilities().compare_and_swap() && requests > 5, "{requests}");
    let (store, requests) = site.requests().await;
    assert!(store.capabilities().compare_and_swap());
    assert_eq!(requests, 0, "the second store made requests");

    // It still keeps two publishers apart.
    let (one, two) = (Publisher::new(store), Publisher::new(site.store().await));
    let context = Context::new();
    assert!(one.publish(&sample_release("one"), &context).await.unwrap().order_guarded());
    let receipt = two.publish(&sample_release("two"), &context).await.unwrap();
    assert_eq!(receipt.previous, Some(*sample_release("one").id()));

    // A file that is damaged or old only costs the test.
    let written = fs::read_to_string(site.file()).unwrap();
    let old = written.replace("\"tested\": 1", "\"tested\": 0");
    assert_ne!(old, written);
    for text in ["{", "", "[1]", old.as_str()] {
        fs::write(site.file(), text).unwrap();
        let (store, requests) = site.requests().await;
        assert!(store.capabilities().compare_and_swap() && requests > 5, "{text}");
        assert_eq!(site.requests().await.1, 0, "{text}: it is remembered again");
    }
}

#[tokio::test]
async fn a_server_whose_words_contradict_the_memory_is_tested_again() {
    let site = Remembering::new();
    let store = site.store().await;
    assert!(store.capabilities().compare_and_swap());
    site.refuses.store(true, Ordering::SeqCst);
    let (publisher, context) = (Publisher::new(site.store().await), Context::new());
    let error = publisher.publish(&sample_release("one"), &context).await.unwrap_err();
    let Error::S3 { failure, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*failure, S3Failure::NotImplemented);
    // The next program knows better.
    let (store, requests) = site.requests().await;
    assert!(!store.capabilities().compare_and_swap() && requests > 0);
    let publisher = Publisher::new(store);
    let receipt = publisher.publish(&sample_release("one"), &context).await.unwrap();
    assert!(!receipt.order_guarded());
}

#[tokio::test]
async fn other_software_behind_the_same_url_is_tested_again() {
    let site = Remembering::new();
    site.store().await;
    let written = fs::read_to_string(site.file()).unwrap();
    let begin = written.find("\"software\": \"").unwrap() + "\"software\": \"".len();
    let end = begin + written[begin..].find('"').unwrap();
    let other = format!("{}another server{}", &written[..begin], &written[end..]);
    fs::write(site.file(), other).unwrap();
    let (publisher, context) = (Publisher::new(site.store().await), Context::new());
    publisher.publish(&sample_release("one"), &context).await.unwrap();
    let again = fs::read_to_string(site.file()).unwrap();
    assert!(!again.contains("another server"), "it was not tested again: {again}");

    // The other server has no conditional writes: nothing goes live in the belief that it has.
    let other = again.replace(&written[begin - 13..end], "\"software\": \"another server");
    fs::write(site.file(), other).unwrap();
    site.refuses.store(true, Ordering::SeqCst);
    let publisher = Publisher::new(site.store().await);
    let error = publisher.publish(&sample_release("two"), &context).await.unwrap_err();
    assert!(matches!(error, Error::S3 { failure: S3Failure::NotImplemented, .. }), "{error:?}");
    assert!(!site.store().await.capabilities().compare_and_swap());
}
