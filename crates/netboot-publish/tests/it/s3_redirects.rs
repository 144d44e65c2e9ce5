//! A server that sends its clients elsewhere: the error names the place, or the store goes there.

use std::time::Duration;

use netboot_core::Context;
use netboot_publish::{Error, ListScope, S3Failure, S3StoreBuilder, Store};
use netboot_testbed::{FaultProxy, HttpFault, HttpRequest, Moment, S3Server};

use crate::s3::{BUCKET, Site, get, path, put, upload};

const STATUSES: [&str; 5] = [
    "301 Moved Permanently",
    "302 Found",
    "303 See Other",
    "307 Temporary Redirect",
    "308 Permanent Redirect",
];

/// A server in front of another one. It sends clients to the URL that `to` makes of a request.
fn front(
    site: &Site,
    status: &'static str,
    to: impl Fn(&HttpRequest) -> Option<String> + Send + Sync + 'static,
) -> FaultProxy {
    FaultProxy::http(site.server.address(), move |request: &HttpRequest, moment| {
        match to(request).filter(|_| moment == Moment::Asked) {
            Some(headers) => HttpFault::Answer { status: status.to_owned(), headers },
            None => HttpFault::None,
        }
    })
}

fn behind(site: &Site, proxy: &FaultProxy) -> S3StoreBuilder {
    site.builder().endpoint(proxy.endpoint()).retries(1, Duration::from_secs(5))
}

fn failure(error: &Error) -> &S3Failure {
    let Error::S3 { failure, .. } = error else { panic!("{error:?}") };
    failure
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_sends_its_clients_elsewhere_is_told_with_the_place() {
    let site = Site::new(S3Server::ministack);
    for status in STATUSES {
        let real = site.server.endpoint();
        let front = {
            let real = real.clone();
            front(&site, status, move |request| {
                Some(format!("Location: {real}{}\r\n", request.target))
            })
        };
        let error = behind(&site, &front).build().await.unwrap_err();
        assert_eq!(*failure(&error), S3Failure::Redirected { to: real.clone() }, "{status}");
        assert_eq!(
            error.hint().unwrap(),
            format!("set the endpoint to `{real}`, where the bucket is")
        );
        let store = behind(&site, &front).without_probe().build().await.unwrap();
        for error in [
            store.send(vec![upload("blobs/x", "x")], &Context::new()).await.unwrap_err(),
            store
                .send(vec![upload("blobs/x", vec![0; 9_000_000])], &Context::new())
                .await
                .unwrap_err(),
            store.swap(&path("current.ipxe"), None, "x".into()).await.unwrap_err(),
            store.delete(&["blobs/x", "blobs/y"].map(path), &Context::new()).await.unwrap_err(),
        ] {
            assert!(matches!(failure(&error), S3Failure::Redirected { .. }), "{status}: {error:?}");
        }
        // The hint.
        put(&behind(&site, &front).endpoint(real).build().await.unwrap(), "blobs/x", "x").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_to_another_region_names_the_region() {
    let site = Site::new(S3Server::nanio);
    let virtual_host = format!("https://{BUCKET}.s3.eu-west-1.amazonaws.com");
    for headers in [
        format!("Location: {virtual_host}/x\r\n"),
        "Location: https://s3.example.org/\r\nx-amz-bucket-region: eu-west-1\r\n".to_owned(),
    ] {
        let front = front(&site, STATUSES[3], move |_| Some(headers.clone()));
        let error = behind(&site, &front).build().await.unwrap_err();
        let expected = Some("eu-west-1".to_owned());
        assert_eq!(*failure(&error), S3Failure::WrongRegion { expected }, "{error:?}");
    }
    // A page of the same server is no S3, and what is no URL is no place.
    for place in ["/login?next=%2F", "https://[", "mailto:admin@example.org"] {
        let front = front(&site, STATUSES[1], move |_| Some(format!("Location: {place}\r\n")));
        let error = behind(&site, &front).build().await.unwrap_err();
        assert_eq!(*failure(&error), S3Failure::NotS3, "{place}: {error:?}");
    }
}

/// Some servers send whoever reads an object to a URL that needs no signature.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_of_a_read_to_a_signed_url_is_followed() {
    let site = Site::new(S3Server::nanio);
    let direct = site.builder().build().await.unwrap();
    put(&direct, "blobs/x", "the object").await;
    let signed = direct.presigned_url(&path("blobs/x"), Duration::from_secs(3600)).await.unwrap();
    let front = front(&site, STATUSES[1], move |request| {
        let is_read = request.method == "GET" && request.target.ends_with("/blobs/x");
        is_read.then(|| format!("Location: {signed}\r\n"))
    });
    let store = behind(&site, &front).build().await.unwrap();
    assert_eq!(get(&store, "blobs/x").await.unwrap(), "the object");
    assert_eq!(store.list(&ListScope::Below(path("blobs"))).await.unwrap().len(), 1);
    put(&store, "blobs/y", "another").await;
}
