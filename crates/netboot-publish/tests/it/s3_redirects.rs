//! A server that sends its clients elsewhere: the error names the place, or the store goes there.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use netboot_core::Context;
use netboot_publish::{ListScope, S3Failure, Store};
use netboot_testbed::{FaultProxy, HttpFault, HttpRequest, Moment, S3Server};

use crate::s3::{BUCKET, Site, failure, get, path, put, upload};

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
        let error = site.behind(&front).build().await.unwrap_err();
        assert_eq!(*failure(&error), S3Failure::Redirected { to: real.clone() }, "{status}");
        assert_eq!(
            error.hint().unwrap(),
            format!("set the endpoint to `{real}`, where the bucket is")
        );
        let store = site.behind(&front).without_probe().build().await.unwrap();
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
        put(&site.behind(&front).endpoint(real).build().await.unwrap(), "blobs/x", "x").await;
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
        let error = site.behind(&front).build().await.unwrap_err();
        let expected = Some("eu-west-1".to_owned());
        assert_eq!(*failure(&error), S3Failure::WrongRegion { expected }, "{error:?}");
    }
    // A page of the same server is no S3, and what is no URL is no place.
    for place in ["/login?next=%2F", "https://[", "mailto:admin@example.org"] {
        let front = front(&site, STATUSES[1], move |_| Some(format!("Location: {place}\r\n")));
        let error = site.behind(&front).build().await.unwrap_err();
        assert_eq!(*failure(&error), S3Failure::NotS3, "{place}: {error:?}");
    }
}

/// Some servers send whoever reads an object to a URL that needs no signature. That server learns
/// nothing of the keys, and may say that there is no such object.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_of_a_read_to_a_signed_url_is_followed() {
    let site = Site::new(S3Server::nanio);
    let direct = site.builder().build().await.unwrap();
    put(&direct, "blobs/x", "the object").await;
    let heads = Arc::new(Mutex::new(Vec::new()));
    let second = {
        let heads = heads.clone();
        FaultProxy::http(site.server.address(), move |request: &HttpRequest, _| {
            heads.lock().unwrap().push(request.head.to_lowercase());
            HttpFault::None
        })
    };
    let signing = site.builder().endpoint(second.endpoint()).without_probe();
    let signing = signing.build().await.unwrap();
    let mut signed = Vec::new();
    for name in ["blobs/x", "blobs/missing"] {
        let url = signing.presigned_url(&path(name), Duration::from_secs(3600)).await.unwrap();
        signed.push((format!("/{name}"), url));
    }
    let front = front(&site, STATUSES[1], move |request| {
        let (_, url) = signed.iter().find(|(name, _)| request.target.ends_with(name))?;
        (request.method == "GET").then(|| format!("Location: {url}\r\n"))
    });
    let store = site.behind(&front).build().await.unwrap();
    assert_eq!(get(&store, "blobs/x").await.unwrap(), "the object");
    assert_eq!(get(&store, "blobs/missing").await, None);
    assert_eq!(store.list(&ListScope::Below(path("blobs"))).await.unwrap().len(), 1);
    put(&store, "blobs/y", "another").await;
    let heads = heads.lock().unwrap();
    assert!(heads.len() >= 2, "{heads:?}");
    for head in heads.iter() {
        assert!(!head.contains("\nauthorization:") && !head.contains("\nx-amz-"), "{head}");
    }
}

/// The place of a redirect does not answer: the error names the place all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_to_a_server_that_is_not_there_names_the_server() {
    let site = Site::new(S3Server::nanio);
    // No server listens at the port of tcpmux (RFC 1078).
    let front = front(&site, STATUSES[3], |request| {
        Some(format!("Location: http://127.0.0.1:1{}\r\n", request.target))
    });
    let error = site.behind(&front).build().await.unwrap_err();
    let to = "http://127.0.0.1:1".to_owned();
    assert_eq!(*failure(&error), S3Failure::Redirected { to }, "{error:?}");
}

/// A server that only knows `https` sends clients there. Their region is right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_to_https_names_the_endpoint_and_not_the_region_again() {
    let site = Site::new(S3Server::nanio);
    let front = front(&site, STATUSES[0], |request| {
        let place = format!("https://s3.eu-west-1.amazonaws.com{}", request.target);
        Some(format!("Location: {place}\r\n"))
    });
    let store = site.behind(&front).region("eu-west-1").without_probe().build().await.unwrap();
    let error = store.swap(&path("current.ipxe"), None, "x".into()).await.unwrap_err();
    let to = "https://s3.eu-west-1.amazonaws.com".to_owned();
    assert_eq!(*failure(&error), S3Failure::Redirected { to }, "{error:?}");
}
