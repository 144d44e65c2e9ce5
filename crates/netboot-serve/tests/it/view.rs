//! What a view of a store answers.

use std::fs::File;
use std::time::{Duration, UNIX_EPOCH};

use netboot_core::{Context, layout};
use netboot_publish::contract::sample_release;
use netboot_publish::{LocalStore, MemoryStore, Publisher, Store, WebHeaders};
use reqwest::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MATCH,
    IF_NONE_MATCH, IF_RANGE, RANGE,
};
use reqwest::{Method, StatusCode};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::running::{Running, path, put, put_blob};

/// The answer to a request that no client library sends as it is.
async fn raw(running: &Running, request: &str) -> String {
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn every_object_of_a_release_is_served_with_its_headers() {
    let store = MemoryStore::new();
    let release = sample_release("one");
    Publisher::new(store.clone()).publish(&release, &Context::new()).await.unwrap();
    let running = Running::start(store.clone()).await;
    let mut paths = vec!["current.ipxe".to_owned(), "boot.ipxe".to_owned()];
    for below in [layout::releases(), layout::blobs()] {
        let listed = store.list(&netboot_publish::ListScope::Below(below)).await.unwrap();
        paths.extend(listed.into_iter().map(|listed| listed.path));
    }
    assert!(paths.len() > 6, "{paths:?}");
    for place in paths {
        let expected = store.read(&path(&place)).await.unwrap().unwrap().bytes;
        let web = WebHeaders::of(&path(&place));
        for method in [Method::GET, Method::HEAD] {
            let answer =
                running.request(method.clone(), &format!("/{place}")).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{method} {place}");
            let header = |name| answer.headers()[&name].to_str().unwrap().to_owned();
            assert_eq!(header(CONTENT_TYPE), web.content_type, "{place}");
            assert_eq!(header(CACHE_CONTROL), web.cache_control, "{place}");
            assert_eq!(header(CONTENT_LENGTH), expected.len().to_string(), "{place}");
            assert_eq!(header(ACCEPT_RANGES), "bytes");
            assert!(header(ETAG).starts_with('"'), "{place}");
            let body = answer.bytes().await.unwrap();
            assert_eq!(body, if method == Method::GET { &expected[..] } else { &[] }, "{place}");
        }
    }
    assert!(running.failures.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_path_without_an_object_is_not_found() {
    let directory = TempDir::new().unwrap();
    let store = LocalStore::new(directory.path().join("published"));
    put(&store, "boot.ipxe", "#!ipxe\n").await;
    put(&store, "blobs/one", "one").await;
    std::fs::write(directory.path().join("secret"), "secret").unwrap();
    std::fs::write(directory.path().join("published/.hidden"), "hidden").unwrap();
    std::os::unix::fs::symlink("boot.ipxe", directory.path().join("published/link")).unwrap();
    let running = Running::start(store).await;
    for target in [
        "/",
        "//boot.ipxe",
        "/boot.ipxe/",
        "/boot.ipxe/x",
        "/blobs",
        "/blobs/",
        "/blobs/two",
        "/.hidden",
        "/.netboot/lock",
        "/%2Enetboot/lock",
        "/../secret",
        "/blobs/../../secret",
        "/%2e%2e/secret",
        "/blobs/%2e%2e/boot.ipxe",
        "/boot.ipxe%00",
        "/%ff",
        "/link",
        "*",
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = raw(&running, &request).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{target}: {answer}");
        assert!(answer.ends_with("\r\n\r\nNot Found\n"), "{target}: {answer}");
    }
    for target in ["/boot.ipxe", "/boot%2Eipxe", "/boot.ipxe?a=b"] {
        let request = format!("GET {target} HTTP/1.0\r\n\r\n");
        let answer = raw(&running, &request).await;
        assert!(answer.starts_with("HTTP/1.0 200 "), "{target}: {answer}");
        assert!(answer.ends_with("\r\n\r\n#!ipxe\n"), "{target}: {answer}");
    }
    assert!(running.failures.lock().unwrap().is_empty(), "{:?}", running.failures);
}

#[tokio::test]
async fn nothing_can_be_changed() {
    let store = MemoryStore::new();
    put(&store, "boot.ipxe", "#!ipxe\n").await;
    let running = Running::start(store).await;
    for method in [Method::PUT, Method::POST, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let answer = running.request(method, "/boot.ipxe").body("x").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers()["allow"], "GET, HEAD");
    }
}

/// The part of a blob that a range asks for, from memory and from a disk, large and small.
#[tokio::test]
async fn a_part_of_an_object_is_served() {
    let directory = TempDir::new().unwrap();
    let (memory, local) = (MemoryStore::new(), LocalStore::new(directory.path().join("published")));
    for size in [5, 300_000, 3_000_000] {
        let (bytes, place) = put_blob(&memory, size).await;
        put_blob(&local, size).await;
        // A large object that is no blob.
        put(&memory, "worker.bin", bytes.clone()).await;
        put(&local, "worker.bin", bytes.clone()).await;
        // With the time of a file that was written long ago, in fractions of a second.
        let file = File::options().write(true).open(local.directory().join("worker.bin")).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_millis(1_700_000_000_500)).unwrap();
        let servers = [Running::start(memory.clone()).await, Running::start(local.clone()).await];
        for (running, place) in servers.iter().flat_map(|it| [(it, &*place), (it, "/worker.bin")]) {
            let whole = running.get(place).send().await.unwrap();
            let tag = whole.headers()[ETAG].clone();
            let is_weak = tag.as_bytes().starts_with(b"W/");
            assert!(whole.bytes().await.unwrap() == bytes[..], "{size}");
            let size = bytes.len();
            for (range, from, to) in [
                ("bytes=2-".to_owned(), 2, size),
                ("bytes=1-3".to_owned(), 1, 4),
                ("bytes=-4".to_owned(), size - 4, size),
                (format!("bytes=3-{}", size + 7), 3, size),
                (format!("bytes={}-", size - 1), size - 1, size),
            ] {
                let mut answer = running.get(place).header(RANGE, &range);
                if !is_weak {
                    answer = answer.header(IF_RANGE, &tag);
                }
                let answer = answer.send().await.unwrap();
                assert_eq!(answer.status(), StatusCode::PARTIAL_CONTENT, "{range} of {size}");
                let expected = format!("bytes {from}-{}/{size}", to - 1);
                assert_eq!(answer.headers()[CONTENT_RANGE], expected.as_str());
                assert!(answer.bytes().await.unwrap() == bytes[from..to], "{range} of {size}");
            }
            if is_weak {
                // A large object in memory, which is so young that its time tells nothing.
                assert!(place == "/worker.bin" && size > 5);
                let answer = running.get(place).header(RANGE, "bytes=2-").header(IF_RANGE, &tag);
                let answer = answer.send().await.unwrap();
                assert_eq!(answer.status(), StatusCode::OK);
                assert!(answer.bytes().await.unwrap() == bytes[..], "{size}");
            }
            let beyond = running.get(place).header(RANGE, format!("bytes={size}-"));
            let beyond = beyond.send().await.unwrap();
            assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
            assert_eq!(beyond.headers()[CONTENT_RANGE], format!("bytes */{size}").as_str());
            let other = running.get(place).header(RANGE, "bytes=2-").header(IF_RANGE, "\"other\"");
            let other = other.send().await.unwrap();
            assert_eq!(other.status(), StatusCode::OK);
            assert!(other.bytes().await.unwrap() == bytes[..], "{size}");
            let head = running.request(Method::HEAD, place).header(RANGE, "bytes=1-3");
            let head = head.send().await.unwrap();
            assert_eq!(head.status(), StatusCode::OK, "HEAD knows no ranges");
            assert_eq!(head.headers()[CONTENT_LENGTH], size.to_string().as_str());
        }
    }
}

#[tokio::test]
async fn a_client_that_has_an_object_is_told_so() {
    let store = MemoryStore::new();
    put(&store, "current.ipxe", "#!ipxe\n# one\n").await;
    let (_, blob) = put_blob(&store, 400_000).await;
    let running = Running::start(store.clone()).await;
    for place in ["/current.ipxe", &blob] {
        let tag = running.get(place).send().await.unwrap().headers()[ETAG].clone();
        let again = running.get(place).header(IF_NONE_MATCH, &tag).send().await.unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(again.headers()[ETAG], tag);
        assert!(again.bytes().await.unwrap().is_empty());
        let other = running.get(place).header(IF_MATCH, "\"other\"").send().await.unwrap();
        assert_eq!(other.status(), StatusCode::PRECONDITION_FAILED);
    }
    let tag = running.get("/current.ipxe").send().await.unwrap().headers()[ETAG].clone();
    put(&store, "current.ipxe", "#!ipxe\n# two\n").await;
    let changed = running.get("/current.ipxe").header(IF_NONE_MATCH, &tag).send().await.unwrap();
    assert_eq!(changed.status(), StatusCode::OK, "a pointer is never cached");
    assert_eq!(changed.text().await.unwrap(), "#!ipxe\n# two\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pointer_that_is_replaced_meanwhile_is_never_torn() {
    let directory = TempDir::new().unwrap();
    let store = LocalStore::new(directory.path().join("published"));
    let texts = ["a".repeat(10), "b".repeat(100_000)];
    put(&store, "current.ipxe", texts[0].clone()).await;
    let running = Running::start(store.clone()).await;
    let writer = {
        let texts = texts.clone();
        tokio::spawn(async move {
            for round in 1.. {
                put(&store, "current.ipxe", texts[round % 2].clone()).await;
            }
        })
    };
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{}/current.ipxe", running.address);
    let mut seen = [0; 2];
    let until_both_are_seen = async {
        while seen.iter().sum::<u32>() < 100 || seen.contains(&0) {
            let text = client.get(&url).send().await.unwrap().text().await.unwrap();
            seen[texts.iter().position(|whole| *whole == text).expect("a torn pointer")] += 1;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), until_both_are_seen).await.expect("both texts");
    assert!(!writer.is_finished(), "the pointer was replaced to the end");
    writer.abort();
}
