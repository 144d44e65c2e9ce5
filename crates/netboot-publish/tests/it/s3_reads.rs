//! An object that somebody replaces or deletes while it is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use netboot_core::Context;
use netboot_publish::{
    Error, Finding, Publisher, S3Failure, S3Store, Store, VerifyDepth, VerifyScope, contract,
};
use netboot_testbed::{FaultProxy, HttpFault, Moment, S3Server};
use tokio::io::AsyncReadExt;
use tokio::runtime::Handle;

use crate::s3::{BUCKET, Site, failure, get, path, put};

/// The change that somebody makes while an object is read.
#[derive(Debug, Clone, Copy)]
enum Change {
    Deleted,
    Replaced,
}

const OLD: &str = "#!ipxe\n# the old script\nexit\n";
const NEW: &str = "#!ipxe\n# another script\n";

/// A proxy that cuts the first answers with the object at `place`, up to `most`. Before it does, it
/// makes the change at the store.
fn cutting(site: &Site, store: &S3Store, place: &str, change: Change, most: usize) -> FaultProxy {
    let (handle, store, place) = (Handle::current(), store.clone(), place.to_owned());
    let cuts = Arc::new(AtomicUsize::new(0));
    FaultProxy::http(site.server.address(), move |request, moment| {
        let is_object = request.target.split('?').next().unwrap().ends_with(&place);
        if request.method != "GET" || moment != Moment::Answered || !is_object {
            return HttpFault::None;
        }
        if cuts.fetch_add(1, Ordering::SeqCst) >= most {
            return HttpFault::None;
        }
        handle.block_on(async {
            match change {
                Change::Deleted => {
                    store.delete(&[path(&place)], &Context::new()).await.unwrap();
                }
                Change::Replaced => put(&store, &place, NEW).await,
            }
        });
        HttpFault::Cut { after: 8 }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_changes_while_it_is_read_is_read_as_it_is_then() {
    for start in [S3Server::ministack, S3Server::nanio] {
        let site = Site::new(start);
        let direct = site.builder().build().await.unwrap();
        for (change, expected) in [(Change::Deleted, None), (Change::Replaced, Some(NEW))] {
            put(&direct, "current.ipxe", OLD).await;
            let proxy = cutting(&site, &direct, "current.ipxe", change, 1);
            let store = site.behind(&proxy).build().await.unwrap();
            let found = get(&store, "current.ipxe").await;
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{change:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_always_breaks_off_is_given_up() {
    let site = Site::new(S3Server::ministack);
    let direct = site.builder().build().await.unwrap();
    put(&direct, "current.ipxe", OLD).await;
    let proxy = cutting(&site, &direct, "current.ipxe", Change::Replaced, usize::MAX);
    let store = site.behind(&proxy).build().await.unwrap();
    let error = store.read(&path("current.ipxe")).await.unwrap_err();
    assert_eq!(*failure(&error), S3Failure::Interrupted, "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_is_deleted_while_it_is_verified_is_missing() {
    for start in [S3Server::ministack, S3Server::nanio] {
        let site = Site::new(start);
        let direct = site.builder().build().await.unwrap();
        let release = contract::sample_release("one");
        let publisher = Publisher::new(direct.clone());
        publisher.publish(&release, &Context::new()).await.unwrap();
        let blob = format!("blobs/{}", release.blobs().keys().next().unwrap());
        let proxy = cutting(&site, &direct, &blob, Change::Deleted, 1);
        let verifier = Publisher::new(site.behind(&proxy).build().await.unwrap());
        let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
        let report = verifier.verify(scope, depth, &Context::new()).await.unwrap();
        let missing = Finding::Missing { path: path(&blob) };
        assert!(report.findings.contains(&missing), "{report}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_is_deleted_while_it_is_copied_is_told() {
    let site = Site::new(S3Server::nanio);
    let direct = site.builder().build().await.unwrap();
    put(&direct, "blobs/one", OLD).await;
    let proxy = cutting(&site, &direct, "blobs/one", Change::Deleted, 1);
    let store = site.behind(&proxy).build().await.unwrap();
    let mut reader = store.open(&path("blobs/one")).await.unwrap().unwrap();
    let error = reader.read_to_end(&mut Vec::new()).await.unwrap_err();
    let source = error.get_ref().unwrap().downcast_ref::<Error>().unwrap();
    assert_eq!(*failure(source), S3Failure::NoSuchObject, "{source:?}");
    assert!(source.to_string().contains(BUCKET), "{source}");
    // The hint: the next try succeeds if nobody deletes the object again.
    assert!(source.hint().unwrap().starts_with("try again"), "{source:?}");
    put(&direct, "blobs/one", NEW).await;
    let mut reader = store.open(&path("blobs/one")).await.unwrap().unwrap();
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, NEW.as_bytes());
}
