//! Requests that delete many objects, and servers that lie about them.

use std::time::Instant;

use netboot_core::{Context, ReleasePath};
use netboot_publish::{Error, S3Failure, Store};
use netboot_testbed::S3Server;

use crate::s3::{BUCKET, Site, path, put};
use crate::s3_liar::Liar;

fn places(count: usize) -> Vec<ReleasePath> {
    (0..count).map(|n| path(&format!("blobs/{n:05}"))).collect()
}

fn error(key: &str, code: &str) -> String {
    format!("<Error><Key>{key}</Key><Code>{code}</Code><Message>no</Message></Error>")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_lies_about_a_batch_is_asked_for_each_object() {
    for (entries, singles) in [
        // Of keys that nobody asked for, or of no key.
        (error("somebody/else", "AccessDenied"), 3),
        (error("", "InternalError"), 3),
        (error("/blobs//00001/", "InternalError"), 3),
        (error("blobs/00001", "AccessDenied") + &error("blobs/7", "NoSuchBucket"), 3),
        ("<html>Log in.</html>".to_owned(), 3),
        // Of one that was asked for: only that one is asked for again, and tells the reason.
        (error("blobs/00001", "InternalError") + "<Deleted><Key>blobs/00000</Key></Deleted>", 1),
        // It has gone, which is as wanted.
        (error("blobs/00001", "NoSuchKey"), 0),
        ("<Deleted></Deleted>".to_owned(), 0),
    ] {
        let answer = format!("<DeleteResult>{entries}</DeleteResult>");
        let server = Liar::new(move |(method, ..)| match method.as_str() {
            "POST" => ("200 OK", String::new(), answer.clone()),
            _ => ("204 No Content", String::new(), String::new()),
        });
        let store = server.builder().without_probe().build().await.unwrap();
        store.delete(&places(3), &Context::new()).await.unwrap();
        let asked = server.asked();
        let count = |of: &str| asked.iter().filter(|(method, ..)| method == of).count();
        assert_eq!((count("POST"), count("DELETE")), (1, singles), "{entries}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_cannot_be_deleted_tells_why() {
    let server = Liar::new(|(method, ..)| match method.as_str() {
        "POST" => {
            let left = error("blobs/00001", "AccessDenied");
            ("200 OK", String::new(), format!("<DeleteResult>{left}</DeleteResult>"))
        }
        _ => ("403 Forbidden", String::new(), "<Error><Code>AccessDenied</Code></Error>".into()),
    });
    let store = server.builder().without_probe().build().await.unwrap();
    let error = store.delete(&places(3), &Context::new()).await.unwrap_err();
    let Error::S3 { failure: S3Failure::AccessDenied, url, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(url.ends_with(&format!("/{BUCKET}/blobs/00001")), "{url}");
}

/// Thousands of objects need a request for each thousand, also without checksums of the content.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_objects_are_deleted_by_few_requests() {
    for checksums in [true, false] {
        let server = Liar::new(|_| ("200 OK", String::new(), "<DeleteResult/>".into()));
        let builder = server.builder().server_checksums(checksums).without_probe();
        let begin = Instant::now();
        builder.build().await.unwrap().delete(&places(3500), &Context::new()).await.unwrap();
        let asked = server.asked();
        println!("3,500 objects: {} requests, {:?}", asked.len(), begin.elapsed());
        assert_eq!(asked.len(), 4);
        let keys = |(_, _, body): &(String, String, String)| body.matches("<Key>blobs/").count();
        assert_eq!(asked.iter().map(keys).sum::<usize>(), 3500);
        let delete = format!("/{BUCKET}?delete=");
        assert!(asked.iter().all(|(_, target, _)| *target == delete), "{:?}", asked[0].1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_servers_take_a_batch() {
    for start in [S3Server::nanio, S3Server::ministack] {
        let site = Site::new(start);
        for checksums in [true, false] {
            let store = site.builder().server_checksums(checksums).build().await.unwrap();
            for place in ["blobs/00000", "blobs/00001"] {
                put(&store, place, "x").await;
            }
            store.delete(&places(3), &Context::new()).await.unwrap();
            assert!(store.stat(&places(3)).await.unwrap().is_empty(), "{checksums}");
        }
    }
}
