//! Summaries in a registry: a look at many parts takes few requests, and a summary that is lost,
//! damaged or out of date costs time only.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use netboot_core::{Context, ReleasePath, Sha256Digest, layout};
use netboot_publish::contract::sample_release;
use netboot_publish::{ListScope, OciStore, Publisher, Store};
use netboot_testbed::{FaultProxy, HttpFault, HttpRequest, RegistryAccess};

use crate::oci::{Docker, builder, get, path, put};

const REPOSITORY: &str = "boot/nixos";
/// As many parts as have a summary of 32 of them.
const PARTS: usize = 42;

async fn open(address: &str) -> OciStore {
    builder(address, REPOSITORY).without_probe().build().await.unwrap()
}

fn blob(number: usize) -> ReleasePath {
    layout::blob(&Sha256Digest::of(number.to_string().as_bytes()))
}

/// Publishes a release, and then sends blobs, each of which becomes a part.
async fn fill(docker: &Docker) {
    let store = open(&docker.registry.address()).await;
    Publisher::new(store.clone()).publish(&sample_release("one"), &Context::new()).await.unwrap();
    for number in 1..PARTS {
        put(&store, blob(number).as_str(), number.to_string()).await;
    }
}

async fn list(store: &OciStore) -> BTreeSet<String> {
    let scope = ListScope::Below(layout::blobs());
    store.list(&scope).await.unwrap().into_iter().map(|listed| listed.path).collect()
}

fn counting(docker: &Docker) -> FaultProxy {
    let address = docker.registry.address().parse().unwrap();
    FaultProxy::http(address, |_: &HttpRequest, _| HttpFault::None)
}

/// The file in which the registry keeps the summary.
fn summary(docker: &Docker) -> PathBuf {
    let root = docker.directory().join("data/docker/registry/v2");
    let tags = root.join("repositories").join(REPOSITORY).join("_manifests/tags");
    let tags = fs::read_dir(tags).unwrap().map(|tag| tag.unwrap().file_name().into_string());
    let tags: Vec<String> = tags.map(Result::unwrap).collect();
    let mut digests = tags.iter().filter_map(|tag| tag.strip_prefix("summary-"));
    let (digest, _) = digests.next().expect("a summary").split_once('-').unwrap();
    assert_eq!(digests.next(), None, "{tags:?}");
    root.join("blobs/sha256").join(&digest[..2]).join(digest).join("data")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_summary_saves_requests_and_is_nowhere_needed() {
    let docker = Docker::start(&RegistryAccess::Anyone);
    fill(&docker).await;
    let address = docker.registry.address();
    let proxy = counting(&docker);
    let asked = async || {
        let before = proxy.requests();
        let listed = list(&open(&proxy.address().to_string()).await).await;
        (listed, proxy.requests() - before)
    };
    let (all, with_summary) = asked().await;
    assert!((1..PARTS).all(|number| all.contains(blob(number).as_str())), "{all:?}");
    // The list of tags, the summary, the pointer and entry points, and the newest parts.
    assert!(with_summary < 25, "{with_summary} requests");
    // The manifest of the release is in the summary, and history is whole.
    let history = Publisher::new(open(&address).await).history().await.unwrap();
    assert!(history.len() == 1 && history[0].whole, "{history:?}");

    // Other bytes are no summary, and neither is nothing.
    let file = summary(&docker);
    let bytes = fs::read(&file).unwrap();
    let damage = |bytes: &[u8]| fs::write(&file, bytes).unwrap();
    damage(&bytes[..bytes.len() / 2]);
    let (listed, without) = asked().await;
    assert!(listed == all && without > with_summary, "{without} requests");
    damage(&[bytes.as_slice(), b"more"].concat());
    assert_eq!(asked().await.0, all);
    fs::remove_file(&file).unwrap();
    assert_eq!(asked().await.0, all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_is_deleted_is_in_no_summary() {
    let docker = Docker::start(&RegistryAccess::Anyone);
    fill(&docker).await;
    let address = docker.registry.address();
    let file = summary(&docker);
    // Another process knows the summary, and one more is new.
    let reader = open(&address).await;
    let all = list(&reader).await;
    let (gone, kept) = (blob(3), blob(4));
    open(&address).await.delete(std::slice::from_ref(&gone), &Context::new()).await.unwrap();
    for store in [reader, open(&address).await] {
        let listed = list(&store).await;
        assert_eq!(all.difference(&listed).collect::<Vec<_>>(), [gone.as_str()]);
        assert_eq!(get(&store, gone.as_str()).await, None);
        assert!(get(&store, kept.as_str()).await.is_some());
    }
    // The next publisher writes another summary.
    put(&open(&address).await, path("blobs/other").as_str(), "other").await;
    assert_ne!(summary(&docker), file);
}
