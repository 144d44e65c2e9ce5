//! An S3 bucket keeps the contract of stores, and the publisher keeps its promises in it: on a
//! server that compares and swaps, and on one that ignores preconditions.

use netboot_publish::{Capabilities, S3Store, Store, contract};
use netboot_testbed::{S3Server, is_long};

use crate::s3::Site;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ministack_is_a_store() {
    let site = Site::new(S3Server::ministack);
    let store = site.builder().build().await.unwrap();
    let able = Capabilities::all().with_links(false);
    assert_eq!(store.capabilities(), able);
    contract::check_store(site.targets(&store)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_to_ministack_keeps_the_promises() {
    let site = Site::new(S3Server::ministack);
    let store = site.builder().build().await.unwrap();
    contract::check_publisher(site.targets(&store)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nanio_is_a_store_without_compare_and_swap() {
    let site = Site::new(S3Server::nanio);
    let store = site.builder().build().await.unwrap();
    let able = Capabilities::none().with_partial_reads(true);
    assert_eq!(store.capabilities(), able, "the server answers 200 and overwrites");
    contract::check_store(site.targets(&store)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_to_nanio_keeps_the_promises_but_order() {
    let site = Site::new(S3Server::nanio);
    let store = site.builder().build().await.unwrap();
    contract::check_publisher(site.targets(&store)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seaweedfs_is_a_store() {
    let site = Site::new(S3Server::seaweedfs);
    let store = site.builder().build().await.unwrap();
    let able = Capabilities::all().with_links(false);
    assert_eq!(store.capabilities(), able);
    contract::check_store(site.targets(&store)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_to_seaweedfs_keeps_the_promises() {
    let site = Site::new(S3Server::seaweedfs);
    let store = site.builder().build().await.unwrap();
    check_publisher(&site, &store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_of_minio_is_a_store_without_compare_and_swap() {
    let site = Site::new(S3Server::juicefs);
    let store = site.builder().build().await.unwrap();
    let able = Capabilities::none().with_partial_reads(true);
    assert_eq!(store.capabilities(), able, "the server answers 200 and overwrites");
    contract::check_store(site.targets(&store)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_to_a_gateway_of_minio_keeps_the_promises_but_order() {
    let site = Site::new(S3Server::juicefs);
    let store = site.builder().build().await.unwrap();
    check_publisher(&site, &store).await;
}

/// All promises, or a sample of them in an ordinary run: these servers are slow.
async fn check_publisher(site: &Site, store: &S3Store) {
    if is_long() {
        contract::check_publisher(site.targets(store)).await;
    } else {
        contract::check_publisher_in_brief(site.targets(store)).await;
    }
}
