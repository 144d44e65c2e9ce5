//! A listing that cannot be trusted is an error, because a publisher prunes objects that look old,
//! and objects whose users are missing in a listing.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use netboot_core::Context;
use netboot_publish::{Error, ListScope, Listed, S3Failure, S3Store, Store};

use crate::patience::soon;
use crate::s3_liar::{Asked, Liar};

/// A store with a server that gives the same answer to every request.
async fn answering(body: String) -> S3Store {
    answering_each(move |_| body.clone()).await
}

/// A store with a server that gives this answer to the request with this number.
async fn answering_each(body: impl Fn(usize) -> String + Send + Sync + 'static) -> S3Store {
    let number = AtomicUsize::new(0);
    let next = move |_: &Asked| body(number.fetch_add(1, Ordering::Relaxed));
    let liar = Liar::new(move |asked| ("200 OK", String::new(), next(asked)));
    liar.builder().without_probe().build().await.unwrap()
}

fn page(time: &str, end: &str) -> String {
    format!(
        "<ListBucketResult><Contents><Key>boot.ipxe</Key><LastModified>{time}</LastModified>\
         <Size>7</Size></Contents>{end}</ListBucketResult>"
    )
}

async fn list(body: String) -> Result<Vec<Listed>, Error> {
    let store = answering(body).await;
    soon(store.list(&ListScope::Root)).await
}

#[tokio::test]
async fn a_time_is_understood_with_and_without_an_offset() {
    for time in ["1970-01-01T00:01:40Z", "1970-01-01T00:01:40.250Z", "1970-01-01T00:01:40+00:00"] {
        let listed = list(page(time, "")).await.unwrap();
        let [Listed { path, entry }] = &listed[..] else { panic!("{listed:?}") };
        assert_eq!((path.as_str(), entry.size()), ("boot.ipxe", Some(7)));
        assert_eq!(entry.modified(), Some(UNIX_EPOCH + Duration::from_secs(100)), "{time}");
    }
}

#[tokio::test]
async fn a_folder_of_a_console_is_no_object_and_a_file_that_is_named_like_one_is() {
    let object = |key: &str, size: u64| {
        format!(
            "<Contents><Key>{key}</Key><LastModified>1970-01-01T00:01:40Z</LastModified>\
             <Size>{size}</Size></Contents>"
        )
    };
    let objects = [object("boot.ipxe", 0), object("folder/", 0), object("file/", 3)].concat();
    let listed = list(format!("<ListBucketResult>{objects}</ListBucketResult>")).await.unwrap();
    let paths: Vec<&str> = listed.iter().map(|listed| listed.path.as_str()).collect();
    assert_eq!(paths, ["boot.ipxe", "file/"]);
}

#[tokio::test]
async fn a_listing_that_cannot_be_trusted_is_an_error() {
    let time = "1970-01-01T00:01:40Z";
    let more = "<IsTruncated>true</IsTruncated>";
    let same = format!("{more}<NextContinuationToken>one</NextContinuationToken>");
    for (what, body) in [
        ("it says that there is more, and not how to get it", page(time, more)),
        ("it gives the same page for ever", page(time, &same)),
        ("its time is none", page("yesterday", "")),
        ("it is a page of the web", "<html><p>Welcome!<br></html>".to_owned()),
        ("it is none at all", "welcome".to_owned()),
    ] {
        let error = list(body).await.unwrap_err();
        let Error::S3 { failure, .. } = &error else { panic!("{what}: {error:?}") };
        assert_eq!(*failure, S3Failure::NotS3, "{what}: {error:?}");
        assert!(error.hint().unwrap().contains("S3 server"), "{what}: {error}");
    }
}

/// The server names a new page for ever, or sends the client round in a circle.
#[tokio::test]
async fn a_listing_that_never_ends_is_an_error() {
    let empty: fn(usize) -> String = |number| format!("page-{number}");
    let circle: fn(usize) -> String = |number| format!("page-{}", number % 3);
    for next in [empty, circle] {
        let store = answering_each(move |number| {
            format!(
                "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>{}\
                 </NextContinuationToken></ListBucketResult>",
                next(number)
            )
        });
        let store = store.await;
        let listed = soon(store.list(&ListScope::Root)).await;
        let error = listed.unwrap_err();
        assert!(matches!(error, Error::S3 { failure: S3Failure::NotS3, .. }), "{error:?}");
    }
}

/// Otherwise a running upload would count as abandoned.
#[tokio::test]
async fn an_upload_whose_time_is_not_known_is_not_aborted() {
    let uploads = "<ListMultipartUploadsResult><Upload><Key>blobs/x</Key><UploadId>1</UploadId>\
                   <Initiated>lately</Initiated></Upload></ListMultipartUploadsResult>";
    let store = answering(uploads.to_owned()).await;
    let context = Context::new();
    let aborted = store.abort_abandoned_uploads(Duration::from_secs(3600), &context);
    let error = soon(aborted).await.unwrap_err();
    assert!(matches!(error, Error::S3 { failure: S3Failure::NotS3, .. }), "{error:?}");
}
