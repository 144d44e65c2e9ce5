//! Hints about buckets.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use netboot_core::{Context, ErrorClass};
use netboot_publish::contract::sample_release;
use netboot_publish::{Publisher, S3Failure, S3Keys, Store};
use netboot_testbed::{FaultProxy, HttpFault, HttpRequest, Moment, S3Server};

use super::{assert_clean, hint};
use crate::patience::PATIENCE;
use crate::s3::{BUCKET, Site, failure, get, path, put, upload};

fn error_of(status: &str, code: &str) -> HttpFault {
    HttpFault::Error { status: status.to_owned(), code: code.to_owned() }
}

/// A server in front of another one. The rule is asked for each request.
fn front(
    site: &Site,
    rule: impl Fn(&HttpRequest) -> Option<HttpFault> + Send + Sync + 'static,
) -> FaultProxy {
    FaultProxy::http(site.server.address(), move |request: &HttpRequest, moment| {
        rule(request).filter(|_| moment == Moment::Asked).unwrap_or(HttpFault::None)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_web_server_is_replaced_by_the_endpoint() {
    let site = Site::new(S3Server::nanio);
    let directory = tempfile::TempDir::new().unwrap();
    let web = netboot_qemu::DirectoryServer::start(directory.path()).await.unwrap();
    let error = site.builder().endpoint(web.url("").as_str()).build().await.unwrap_err();
    hint(&error, "check that the endpoint is an S3 server and not another web server");
    site.builder().endpoint(site.server.endpoint()).build().await.unwrap();
}

/// A server that is full for a while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_server_gets_space() {
    let site = Site::new(S3Server::ministack);
    let full = Arc::new(AtomicBool::new(false));
    let is_full = full.clone();
    let front = front(&site, move |request| {
        let is_new = request.method == "PUT" && request.target.contains("/blobs/");
        (is_new && is_full.load(Ordering::SeqCst))
            .then(|| error_of("507 Insufficient Storage", "XMinioStorageFull"))
    });
    let publisher = Publisher::new(site.behind(&front).build().await.unwrap());
    let [one, two] = ["one", "two"].map(sample_release);
    publisher.publish(&one, &Context::new()).await.unwrap();
    full.store(true, Ordering::SeqCst);
    let error = publisher.publish(&two, &Context::new()).await.unwrap_err();
    hint(&error, "free space or prune old releases, then publish again; the live release was not");
    assert_eq!(error.class(), ErrorClass::StorageFull, "{error:?}");
    assert_eq!(publisher.live().await.unwrap(), Some(*one.id()));
    full.store(false, Ordering::SeqCst);
    publisher.publish(&two, &Context::new()).await.unwrap();
    assert_clean(&publisher).await;
}

/// ministack knows the account by the key, and asks its policy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_without_permissions_get_those_in_the_hint() {
    let site = Site::new(S3Server::ministack);
    let other = site.builder().credentials(S3Keys::new("111111111111", "any"));
    let error = other.clone().build().await.unwrap_err();
    let said = hint(&error, "give the keys s3:ListBucket and s3:ListBucketMultipartUploads on the");
    let (first, second) = said.split_once(" on the bucket, and ").unwrap();
    let actions = |text: &str| -> String {
        let of =
            |word: &str| word.starts_with("s3:").then(|| format!("\"{}\"", word.trim_matches(',')));
        text.split(' ').filter_map(of).collect::<Vec<_>>().join(",")
    };
    let of_objects = second.split(" on the objects ").next().unwrap();
    let statement = |actions: &str, resource: &str| {
        format!(
            "{{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":[{actions}],\
             \"Resource\":\"arn:aws:s3:::{resource}\"}}"
        )
    };
    let policy = format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":[{},{}]}}",
        statement(&actions(first), BUCKET),
        statement(&actions(of_objects), &format!("{BUCKET}/*")),
    );
    let answer = site.server.request("PUT", &format!("/{BUCKET}?policy"), &policy);
    assert!(answer.contains(" 204 ") || answer.contains(" 200 "), "{answer}");
    let store = other.part_size(5 << 20).build().await.unwrap();
    let publisher = Publisher::new(store.clone());
    publisher.publish(&sample_release("one"), &Context::new()).await.unwrap();
    assert_clean(&publisher).await;
    put(&store, "blobs/large", vec![7; 6_000_000]).await;
    store.delete(&[path("blobs/large")], &Context::new()).await.unwrap();
    store.abort_abandoned_uploads(Duration::from_secs(3600), &Context::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_has_expired_is_renewed() {
    let site = Site::new(S3Server::ministack);
    let front = front(&site, |request| {
        let is_old = request.head.contains("an-old-token");
        is_old.then(|| error_of("400 Bad Request", "ExpiredToken"))
    });
    let (access, secret) = (site.server.access_key(), site.server.secret_key());
    let keys = |token: &str| S3Keys::new(access, secret).with_session_token(token);
    let old = site.behind(&front).credentials(keys("an-old-token"));
    hint(&old.build().await.unwrap_err(), "log in again, or renew the keys of the session");
    site.behind(&front).credentials(keys("a-new-token")).build().await.unwrap();
}

/// A server that takes one request for a part at a time. It answers the first one when a second
/// one has come, or when nobody sends a second one for a while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_server_gets_fewer_requests_at_once() {
    let site = Site::new(S3Server::ministack);
    let busy = |patience: Duration| {
        let under_way = AtomicUsize::new(0);
        let (is_refused, change) = (Mutex::new(false), Condvar::new());
        FaultProxy::http(site.server.address(), move |request: &HttpRequest, moment| {
            if request.method != "PUT" || !request.target.contains("partNumber") {
                return HttpFault::None;
            }
            match moment {
                Moment::Answered => drop(under_way.fetch_sub(1, Ordering::SeqCst)),
                Moment::Asked if under_way.fetch_add(1, Ordering::SeqCst) > 0 => {
                    under_way.fetch_sub(1, Ordering::SeqCst);
                    *is_refused.lock().unwrap() = true;
                    change.notify_all();
                    return error_of("503 Slow Down", "SlowDown");
                }
                // A client that sends several at once sends the next one meanwhile.
                Moment::Asked => {
                    let waiting = is_refused.lock().unwrap();
                    let refused = |is_refused: &mut bool| !*is_refused;
                    drop(change.wait_timeout_while(waiting, patience, refused).unwrap());
                }
            }
            HttpFault::None
        })
    };
    let proxies = [busy(PATIENCE), busy(Duration::from_millis(300))];
    let store = async |proxy: usize, parts| {
        let builder = site.behind(&proxies[proxy]).part_size(5 << 20).retries(0, Duration::ZERO);
        builder.parallelism(parts).build().await.unwrap()
    };
    let object = || vec![upload("blobs/large", vec![7; 15_000_000])];
    let error = store(0, 3).await.send(object(), &Context::new()).await.unwrap_err();
    assert_eq!(*failure(&error), S3Failure::Busy, "{error:?}");
    hint(&error, "publish again later, or with a lower parallelism");
    store(1, 1).await.send(object(), &Context::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_damaged_on_its_way_is_published_again() {
    let site = Site::new(S3Server::ministack);
    let flips = Arc::new(AtomicBool::new(true));
    let rule = flips.clone();
    let front = front(&site, move |request| {
        let is_it = request.method == "PUT" && request.target.ends_with("/blobs/x");
        (is_it && rule.load(Ordering::SeqCst)).then_some(HttpFault::Flip { at: 30 })
    });
    let store = site.behind(&front).build().await.unwrap();
    let object = || vec![upload("blobs/x", vec![7; 1000])];
    let error = store.send(object(), &Context::new()).await.unwrap_err();
    assert_eq!(*failure(&error), S3Failure::Corrupted, "{error:?}");
    hint(&error, "publish again; if it happens again, test this machine's memory and network");
    flips.store(false, Ordering::SeqCst);
    store.send(object(), &Context::new()).await.unwrap();
    assert_eq!(get(&store, "blobs/x").await.unwrap(), vec![7; 1000]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_s_message_tells_what_to_change() {
    let site = Site::new(S3Server::ministack);
    let front = front(&site, |request| {
        let is_wrong = request.target.contains("/reserved/");
        is_wrong.then(|| error_of("400 Bad Request", "ReservedPrefix"))
    });
    let at = |prefix: &str| site.behind(&front).prefix(path(prefix)).build();
    let error = at("reserved").await.unwrap_err();
    hint(&error, "read the cause in the server's message");
    assert!(format!("{error:?}").contains("ReservedPrefix"), "{error:?}");
    at("mine").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_region_and_the_endpoint_of_the_bucket_are_set() {
    let site = Site::new(S3Server::ministack);
    // Amazon's servers do not say where to go.
    let front = front(&site, |_| Some(error_of("301 Moved Permanently", "PermanentRedirect")));
    let error = site.behind(&front).build().await.unwrap_err();
    assert_eq!(*failure(&error), S3Failure::WrongRegion { expected: None }, "{error:?}");
    hint(&error, "set the region and the endpoint to those of the bucket");
    let right = site.behind(&front).endpoint(site.server.endpoint()).region("us-east-1");
    right.build().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn features_that_a_server_lacks_are_turned_off() {
    let site = Site::new(S3Server::ministack);
    let front = front(&site, |request| {
        let head = request.head.to_ascii_lowercase();
        let is_batch = request.method == "POST" && request.target.contains("?delete");
        (is_batch || head.contains("x-amz-checksum-") || head.contains("x-amz-sdk-checksum"))
            .then(|| error_of("501 Not Implemented", "NotImplemented"))
    });
    let error = match site.behind(&front).build().await {
        Ok(store) => store.send(vec![upload("blobs/x", "x")], &Context::new()).await.unwrap_err(),
        Err(error) => error,
    };
    hint(&error, "turn off the features that the server lacks: `server_checksums(false)`, ");
    let builder = site.behind(&front).server_checksums(false).batch_delete(false);
    let store = builder.part_size(5 << 20).build().await.unwrap();
    put(&store, "blobs/x", "x").await;
    put(&store, "blobs/large", vec![7; 6_000_000]).await;
    store.delete(&["blobs/x", "blobs/large"].map(path), &Context::new()).await.unwrap();
    assert_eq!(get(&store, "blobs/x").await, None);
}
