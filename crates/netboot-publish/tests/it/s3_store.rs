//! The features of a bucket beyond the contract: links, headers, ranges, listings of any length,
//! several targets in one bucket, and the objects of other programs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use netboot_core::Context;
use netboot_publish::{
    Error, ListScope, Publisher, S3Credentials, Store, Swap, VerifyDepth, VerifyScope, contract,
};
use netboot_testbed::S3Server;
use tokio::io::AsyncReadExt;

use crate::patience::soon;
use crate::s3::{BUCKET, Site, get, path, put, upload};

/// The part of a URL after the host.
fn request_target(url: &str) -> String {
    let (_, rest) = url.split_once("://").unwrap();
    format!("/{}", rest.split_once('/').unwrap().1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_presigned_url_is_read_by_whoever_has_it_and_by_no_other() {
    let site = Site::new(S3Server::nanio);
    let store = site.builder().prefix(path("nixos")).build().await.unwrap();
    put(&store, "blobs/kernel", "the kernel").await;
    put(&store, "blobs/secret", "not for everyone").await;
    let blob = path("blobs/kernel");
    let url = store.presigned_url(&blob, Duration::from_secs(3600)).await.unwrap();
    let url = request_target(url.as_str());
    let answer = site.server.request("GET", &url, "");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nthe kernel"), "{answer}");

    for tampered in [
        url.replace("blobs/kernel", "blobs/secret"),
        url.replace("X-Amz-Expires=3600", "X-Amz-Expires=6000"),
        url.split('?').next().unwrap().to_owned(),
    ] {
        assert_ne!(tampered, url);
        let answer = site.server.request("GET", &tampered, "");
        assert!(answer.starts_with("HTTP/1.1 403"), "{tampered}: {answer}");
    }
    let written = site.server.request("PUT", &url, "another");
    assert!(written.starts_with("HTTP/1.1 403"), "{written}");
    let brief = store.presigned_url(&blob, Duration::from_secs(1)).await.unwrap();
    let brief = request_target(brief.as_str());
    let expired = async {
        while !site.server.request("GET", &brief, "").starts_with("HTTP/1.1 403") {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    soon(expired).await;

    for valid_for in [Duration::ZERO, Duration::from_secs(8 * 24 * 3600)] {
        let error = store.presigned_url(&blob, valid_for).await.unwrap_err();
        assert!(matches!(error, Error::InvalidSetting { .. }), "{error:?}");
    }
    let anonymous = site.builder().credentials(S3Credentials::Anonymous).without_probe();
    let anonymous = anonymous.build().await.unwrap();
    let error = anonymous.presigned_url(&blob, Duration::from_secs(9)).await.unwrap_err();
    assert!(matches!(error, Error::InvalidSetting { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_and_caches_are_told_what_an_object_is() {
    let site = Site::new(S3Server::ministack);
    let store = site.builder().part_size(5 << 20).prefix(path("site")).build().await.unwrap();
    let uploads = vec![
        upload("blobs/small", "small"),
        upload("blobs/large", vec![7; 6_000_000]),
        upload("releases/0/boot.ipxe", "#!ipxe\n"),
        upload("releases/0/manifest.json", "{}"),
        upload("boot.ipxe", "#!ipxe\n"),
    ];
    store.send(uploads, &Context::new()).await.unwrap();
    let swapped = store.swap(&path("current.ipxe"), None, "#!ipxe\n".into()).await.unwrap();
    assert_eq!(swapped, Swap::Done);
    let immutable = "public, max-age=31536000, immutable";
    for (object, content_type, cache_control) in [
        ("blobs/small", "application/octet-stream", immutable),
        ("blobs/large", "application/octet-stream", immutable),
        ("releases/0/boot.ipxe", "text/plain; charset=utf-8", immutable),
        ("releases/0/manifest.json", "application/json", "no-cache"),
        ("boot.ipxe", "text/plain; charset=utf-8", "no-cache"),
        ("current.ipxe", "text/plain; charset=utf-8", "no-cache"),
    ] {
        let url = store.object_url(&path(object));
        assert_eq!(url.as_str(), format!("{}/{BUCKET}/site/{object}", site.server.endpoint()));
        let answer = site.server.request("HEAD", &request_target(url.as_str()), "");
        let head = answer.to_lowercase();
        assert!(head.contains(&format!("content-type: {content_type}\r\n")), "{object}: {head}");
        assert!(head.contains(&format!("cache-control: {cache_control}\r\n")), "{object}: {head}");
    }
    let public = site.builder().prefix(path("site")).public_url("https://boot.example.org/x");
    let public = public.build().await.unwrap();
    assert_eq!(public.public_url().as_str(), "https://boot.example.org/x/");
    let url = public.object_url(&path("worker/netboot.ipxe"));
    assert_eq!(url.as_str(), "https://boot.example.org/x/worker/netboot.ipxe");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_has_as_many_pages_as_it_needs() {
    for start in [S3Server::ministack, S3Server::nanio] {
        let site = Site::new(start);
        let store = site.builder().prefix(path("many")).build().await.unwrap();
        let place = |n: usize| format!("blobs/{n:04}");
        let files = site.server.directory().join("data").join(BUCKET).join("many/blobs");
        if site.server.directory().join("data/.nanio").is_dir() {
            // In this server an object is a file, and writing files is faster.
            std::fs::create_dir_all(&files).unwrap();
            (0..1500).for_each(|n| std::fs::write(files.join(format!("{n:04}")), "x").unwrap());
        } else {
            let uploads = (0..1500).map(|n| upload(&place(n), "x")).collect();
            store.send(uploads, &Context::new()).await.unwrap();
        }
        let listed = store.list(&ListScope::Below(path("blobs"))).await.unwrap();
        let found: Vec<&str> = listed.iter().map(|listed| listed.path.as_str()).collect();
        assert_eq!(found, (0..1500).map(place).collect::<Vec<_>>());

        // `stat` finds exactly the requested objects, in pages and one by one.
        let wanted = [0..3, 700..800, 1100..1499].into_iter().flatten();
        let wanted: Vec<_> = wanted.map(|n| path(&place(n))).collect();
        let missing = (0..50).map(|n| path(&format!("blobs/{n:04}x")));
        let elsewhere = ["boot.ipxe", "releases/0/boot.ipxe", "zzz/x"].map(path);
        let asked: Vec<_> = wanted.iter().cloned().chain(missing).chain(elsewhere).collect();
        let found = store.stat(&asked).await.unwrap();
        assert_eq!(found.keys().cloned().collect::<Vec<_>>(), wanted);
        for listed in listed {
            if let Some(entry) = found.get(&path(&listed.path)) {
                assert_eq!(*entry, listed.entry);
            }
        }
        store
            .delete(&(0..1500).map(|n| path(&place(n))).collect::<Vec<_>>(), &Context::new())
            .await
            .unwrap();
        assert!(store.list(&ListScope::Below(path("blobs"))).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_others_are_listed_under_their_own_names() {
    let site = Site::new(S3Server::ministack);
    let store = site.builder().build().await.unwrap();
    for key in ["releases/a%20b%2Bc.txt", "releases//twice", "releases/%C3%A4", "with%26amp.txt"] {
        let answer = site.server.request("PUT", &format!("/{BUCKET}/{key}"), "foreign");
        assert!(answer.contains(" 200 "), "{answer}");
    }
    let names = async |scope| {
        let listed = store.list(&scope).await.unwrap();
        listed.into_iter().map(|listed| listed.path).collect::<Vec<_>>()
    };
    let below = names(ListScope::Below(path("releases"))).await;
    assert_eq!(below, ["releases//twice", "releases/a b+c.txt", "releases/ä"]);
    // The store's own objects are not listed.
    let lock = store.lock(&Context::new()).await.unwrap();
    assert_eq!(names(ListScope::Root).await, ["with&amp.txt"]);
    drop(lock);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_an_object_can_be_read() {
    for start in [S3Server::ministack, S3Server::nanio] {
        let site = Site::new(start);
        let store = site.builder().build().await.unwrap();
        put(&store, "blobs/x", "0123456789").await;
        let mut text = String::new();
        let reader = store.open_range(&path("blobs/x"), 3..7).await.unwrap();
        reader.unwrap().read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "3456");
        assert!(store.open_range(&path("blobs/y"), 3..7).await.unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_that_is_right_is_left_alone_and_a_damaged_one_written_over() {
    for start in [S3Server::ministack, S3Server::nanio] {
        let site = Site::new(start);
        let store = site.builder().part_size(5 << 20).build().await.unwrap();
        // One object is sent in one request, the other one in parts.
        for right in [b"right".to_vec(), vec![7; 6_000_000]] {
            let (mut flipped, longer) = (right.clone(), [&right[..], b"more"].concat());
            flipped[2] ^= 1;
            for damaged in [flipped, longer, right[1..].to_vec()] {
                let there = store.read(&path("blobs/x")).await.unwrap();
                let version = there.map(|there| there.version);
                store.swap(&path("blobs/x"), version.as_ref(), damaged.into()).await.unwrap();
                put(&store, "blobs/x", right.clone()).await;
                assert!(get(&store, "blobs/x").await.unwrap() == right);
            }
            let modified = async || {
                let there = store.stat(&[path("blobs/x")]).await.unwrap();
                there[&path("blobs/x")].modified().unwrap()
            };
            let before = modified().await;
            // The server tells times in whole seconds.
            let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_secs();
            while seconds(SystemTime::now()) <= seconds(before) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            put(&store, "blobs/x", right.clone()).await;
            // With working preconditions, an undamaged blob is not written again.
            assert_eq!(modified().await == before, store.capabilities().compare_and_swap());
        }
        if store.capabilities().compare_and_swap() {
            let unfinished = site.server.request("GET", &format!("/{BUCKET}?uploads"), "");
            assert!(!unfinished.contains("<UploadId>"), "{unfinished}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_checksums_or_batches_gets_on() {
    let site = Site::new(S3Server::nanio);
    let builder = site.builder().server_checksums(false).batch_delete(false).part_size(5 << 20);
    let store = builder.build().await.unwrap();
    put(&store, "blobs/large", vec![7; 6_000_000]).await;
    assert!(get(&store, "blobs/large").await.unwrap() == vec![7; 6_000_000]);
    let places = ["blobs/large", "blobs/none"].map(path);
    store.delete(&places, &Context::new()).await.unwrap();
    assert!(store.stat(&places).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_survives_a_crash_of_the_server() {
    for start in [S3Server::ministack, S3Server::nanio] {
        let mut site = Site::new(start);
        let store = site.builder().build().await.unwrap();
        let publisher = Publisher::new(store);
        let release = contract::sample_release("one");
        publisher.publish(&release, &Context::new()).await.unwrap();
        site.server.restart();
        assert_eq!(publisher.live().await.unwrap(), Some(*release.id()));
        let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
        let report = publisher.verify(scope, depth, &Context::new()).await.unwrap();
        assert!(report.is_clean(), "{report}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_shown_to_nobody() {
    let site = Site::new(S3Server::nanio);
    let builder = site.builder();
    let secret = site.server.secret_key();
    assert!(!format!("{builder:?}").contains(secret), "{builder:?}");
    let store = builder.prefix(path("nixos")).build().await.unwrap();
    let shown = format!("{store:?} {store}");
    assert!(shown.contains(BUCKET) && !shown.contains(secret), "{shown}");
    assert_eq!(store.to_string(), format!("{}/{BUCKET}/nixos/", site.server.endpoint()));
}
