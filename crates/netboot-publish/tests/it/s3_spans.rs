//! Large directories of a bucket: listed in several spans at once, and looked up in pages.

use std::collections::BTreeSet;

use netboot_core::{Context, ReleasePath, Sha256Digest, layout};
use netboot_publish::{ListScope, Listed, S3Store, Store};
use netboot_testbed::S3Server;

use crate::patience::{at_best, soon};
use crate::round_trips::{RoundTrips, Trips};
use crate::s3::{Site, upload};
use crate::s3_liar::{Asked, Liar};

/// The number of blobs: four pages of a listing.
const BLOBS: usize = 3500;

fn blobs() -> Vec<ReleasePath> {
    let digest = |number: usize| Sha256Digest::of(format!("blob {number}").as_bytes());
    (0..BLOBS).map(|number| layout::blob(&digest(number))).collect()
}

async fn listed(store: &S3Store) -> BTreeSet<String> {
    let listed = store.list(&ListScope::Below(layout::blobs())).await.unwrap();
    let count = listed.len();
    let paths: BTreeSet<String> = listed.into_iter().map(|listed| listed.path).collect();
    assert_eq!(paths.len(), count, "an object is listed twice");
    paths
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_directory_takes_few_round_trips() {
    let site = Site::new(S3Server::ministack);
    let fast = site.builder().build().await.unwrap();
    let blobs = blobs();
    let uploads = blobs.iter().map(|path| upload(path.as_str(), "a blob")).collect();
    fast.send(uploads, &Context::new()).await.unwrap();
    let expected: BTreeSet<String> = blobs.iter().map(ToString::to_string).collect();
    assert_eq!(listed(&fast).await, expected);

    let trips = RoundTrips::to(&site.server);
    let slow = site.builder().endpoint(trips.proxy.endpoint()).without_probe();
    let slow = slow.build().await.unwrap();
    let few_at_once = |asked: &Trips| asked.requests.len() <= 9 && asked.at_once >= 2;
    let list = async || {
        let (found, asked) = trips.of(listed(&slow)).await;
        assert_eq!(found, expected);
        println!("{BLOBS} blobs listed: {} requests, {} deep", asked.requests.len(), asked.depth);
        asked
    };
    at_best(list, few_at_once).await;

    // All of them, and one that is missing, by their names.
    let mut names = blobs.clone();
    names.push(layout::blob(&Sha256Digest::of(b"not there")));
    let look = async || {
        let (found, asked) = trips.of(slow.stat(&names)).await;
        let (found, count) = (found.unwrap(), asked.requests.len());
        println!("{BLOBS} blobs looked up: {count} requests, {} deep", asked.depth);
        assert_eq!(found.len(), BLOBS);
        for path in &names {
            assert_eq!(found.contains_key(path), expected.contains(path.as_str()), "{path}");
        }
        asked
    };
    at_best(look, few_at_once).await;

    // The files of many releases are looked up in pages of all releases, too.
    let release = |number: usize| Sha256Digest::of(format!("release {number}").as_bytes());
    let file = |number| format!("releases/{}/boot.ipxe", release(number));
    let files: Vec<String> = (0..300).map(file).collect();
    let uploads = files.iter().map(|path| upload(path, "a script")).collect();
    fast.send(uploads, &Context::new()).await.unwrap();
    let paths: Vec<ReleasePath> = files.iter().map(|path| path.parse().unwrap()).collect();
    let (found, asked) = trips.of(slow.stat(&paths)).await;
    assert_eq!(found.unwrap().len(), 300);
    assert!(asked.requests.len() <= 3, "{asked:?}");
}

/// A server that gives the keys in an order of its own, or every page from the beginning, is asked
/// for one page after another. The listing is then complete.
#[tokio::test]
async fn a_server_without_an_order_is_listed_page_by_page() {
    for is_sorted in [true, false] {
        let mut keys: Vec<String> = blobs().iter().map(ToString::to_string).collect();
        if is_sorted {
            keys.sort();
        }
        let pages: Vec<Vec<String>> = keys.chunks(1000).map(<[String]>::to_vec).collect();
        let liar = Liar::new(move |asked: &Asked| {
            let (_, token) = asked.1.split_once("continuation-token=").unwrap_or(("", "0"));
            let digits: String = token.chars().take_while(char::is_ascii_digit).collect();
            let page: usize = digits.parse().unwrap();
            let object = |key: &String| {
                format!(
                    "<Contents><Key>{key}</Key><LastModified>1970-01-01T00:01:40Z</LastModified>\
                     <Size>7</Size></Contents>"
                )
            };
            let objects = pages[page].iter().map(object).collect::<Vec<_>>().concat();
            let next = if page + 1 < pages.len() {
                format!(
                    "<IsTruncated>true</IsTruncated><NextContinuationToken>{}\
                     </NextContinuationToken>",
                    page + 1
                )
            } else {
                String::new()
            };
            let body = format!("<ListBucketResult>{objects}{next}</ListBucketResult>");
            ("200 OK", String::new(), body)
        });
        let store = liar.builder().without_probe().build().await.unwrap();
        let paths = soon(store.list(&ListScope::Below(layout::blobs()))).await.unwrap();
        let paths: BTreeSet<String> = paths.into_iter().map(|Listed { path, .. }| path).collect();
        assert_eq!(paths, keys.into_iter().collect(), "sorted: {is_sorted}");
    }
}
