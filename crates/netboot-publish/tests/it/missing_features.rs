//! The receipt tells each feature that the target lacks.

use std::collections::BTreeSet;

use netboot_core::Context;
use netboot_publish::contract::sample_release;
use netboot_publish::{LocalStore, MissingFeature, Outcome, Publisher, Receipt, S3Store, Store};
use netboot_testbed::{FaultProxy, HttpFault, Moment, RegistryAccess, S3Server};
use tempfile::TempDir;

use crate::oci::Docker;
use crate::rsync::DaemonSite;
use crate::s3::{Site, path, put};

/// Publishes a release twice, and returns the receipt.
async fn receipt(store: impl Store + Clone + 'static) -> Receipt {
    let (publisher, context) = (Publisher::new(store.clone()), Context::new());
    let first = publisher.publish(&sample_release("one"), &context).await.unwrap();
    assert_eq!(first.without, store.missing_features());
    let again = publisher.publish(&sample_release("one"), &context).await.unwrap();
    assert_eq!((again.outcome, &again.without), (Outcome::Unchanged, &first.without));
    first
}

fn names(without: &BTreeSet<MissingFeature>) -> Vec<&'static str> {
    without.iter().map(|feature| feature.name()).collect()
}

#[tokio::test]
async fn a_directory_lacks_nothing() {
    let directory = TempDir::new().unwrap();
    let receipt = receipt(LocalStore::new(directory.path())).await;
    assert_eq!(names(&receipt.without), Vec::<&str>::new());
    assert!(receipt.order_guarded() && !receipt.to_string().contains("without"), "{receipt}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buckets_lack_what_their_server_lacks() {
    let complete = Site::new(S3Server::ministack);
    let store = complete.builder().build().await.unwrap();
    assert_eq!(names(&receipt(store.clone()).await.without), Vec::<&str>::new());

    // It ignores conditions and checksums.
    let simple = Site::new(S3Server::nanio);
    let there = receipt(simple.builder().build().await.unwrap()).await;
    let expected = ["compare-and-swap", "lock", "conditional-create", "server-checksums"];
    assert_eq!(names(&there.without), expected);
    assert!(!there.order_guarded());
    let line = "without compare-and-swap, lock, conditional-create, server-checksums";
    assert!(there.to_string().ends_with(line), "{there}");

    // Settings that turn a feature off count as well.
    let without = complete.builder().server_checksums(false).batch_delete(false);
    let store: S3Store = without.build().await.unwrap();
    assert_eq!(names(&store.missing_features()), ["server-checksums", "batch-deletion"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_deletes_one_by_one_is_known_after_the_first_batch() {
    let site = Site::new(S3Server::ministack);
    let proxy = FaultProxy::http(site.server.address(), |request, moment| {
        if request.method == "POST" && request.target.contains("delete") && moment == Moment::Asked
        {
            let (status, code) = ("501 Not Implemented".into(), "NotImplemented".into());
            return HttpFault::Error { status, code };
        }
        HttpFault::None
    });
    let store = site.behind(&proxy).build().await.unwrap();
    assert!(!store.missing_features().contains(&MissingFeature::BatchDeletion));
    let paths = [path("blobs/a"), path("blobs/b")];
    for path in &paths {
        put(&store, path.as_str(), "text").await;
    }
    store.delete(&paths, &Context::new()).await.unwrap();
    assert!(store.missing_features().contains(&MissingFeature::BatchDeletion));
}

#[tokio::test]
async fn rsync_lacks_order_and_what_the_far_side_refuses() {
    let always = ["compare-and-swap", "lock", "partial-reads"];
    let site = DaemonSite::new();
    let receipt_there = receipt(site.builder("").build().unwrap()).await;
    assert_eq!(names(&receipt_there.without), always);

    let site = DaemonSite::with(|module| module.with("refuse options = fsync"));
    let store = site.builder("").build().unwrap();
    assert_eq!(names(&store.missing_features()), always, "nobody knows yet");
    let refused = [&always[..], &["fsync"]].concat();
    assert_eq!(names(&receipt(store).await.without), refused);
    let off = site.builder("").fsync(false).build().unwrap();
    assert_eq!(names(&off.missing_features()), refused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dockers_registry_lacks_order() {
    let docker = Docker::start(&RegistryAccess::Anyone);
    let receipt = receipt(docker.builder("boot/nixos").build().await.unwrap()).await;
    assert_eq!(names(&receipt.without), ["compare-and-swap", "lock"]);
}
