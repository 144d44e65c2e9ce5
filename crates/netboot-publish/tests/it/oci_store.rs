//! The contents of a repository, the garbage collection of a registry, and the bytes that are sent.

use std::fs;
use std::process::Command;
use std::time::Duration;

use netboot_core::{Context, Release, ReleasePath};
use netboot_publish::contract::{later, sample_release};
use netboot_publish::{OciStore, Publisher, Retention, Store, VerifyDepth, VerifyScope};
use netboot_testbed::{FaultProxy, HttpFault, HttpRequest, RegistryAccess, tool};

use crate::oci::{Docker, Ferro, builder, get, path, put};
use crate::patience::at_best;

const REPOSITORY: &str = "boot/nixos";

async fn assert_clean(publisher: &Publisher) {
    let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
    let report = publisher.verify(scope, depth, &Context::new()).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

/// The blobs that a release needs.
fn required(release: &Release) -> Vec<ReleasePath> {
    release.blobs().keys().map(netboot_core::layout::blob).collect()
}

/// Gets what anyone may get of a registry.
fn fetch(docker: &Docker, below: &str) -> String {
    let url = format!("http://{}/v2/{REPOSITORY}/{below}", docker.registry.address());
    let accept = "Accept: application/vnd.oci.image.manifest.v1+json";
    let output = Command::new(tool("curl")).args(["-sf", "-H", accept, &url]).output().unwrap();
    assert!(output.status.success(), "{url}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn tags(docker: &Docker) -> Vec<String> {
    let list: serde_json::Value = serde_json::from_str(&fetch(docker, "tags/list")).unwrap();
    let tags = list["tags"].as_array().unwrap();
    tags.iter().map(|tag| tag.as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_release_is_one_artifact_with_its_blobs() {
    let docker = Docker::start(&RegistryAccess::Anyone);
    let store = docker.builder(REPOSITORY).build().await.unwrap();
    let release = sample_release("one");
    Publisher::new(store.clone()).publish(&release, &Context::new()).await.unwrap();

    let tags = tags(&docker);
    let of_release = format!("release-{}", release.id());
    assert_eq!(tags.iter().filter(|tag| tag.starts_with("part-")).count(), 1, "{tags:?}");
    assert!(tags.contains(&of_release) && tags.iter().any(|tag| tag == "file-current.ipxe"));
    let artifact = fetch(&docker, &format!("manifests/{of_release}"));
    let artifact: serde_json::Value = serde_json::from_str(&artifact).unwrap();
    assert_eq!(artifact["artifactType"], "application/vnd.netboot.release.v1");
    let title = |it: &serde_json::Value| {
        it["annotations"]["org.opencontainers.image.title"].as_str().unwrap().to_owned()
    };
    let manifest = format!("releases/{}/manifest.json", release.id());
    assert_eq!(title(&artifact["config"]), manifest);
    let titles: Vec<String> = artifact["layers"].as_array().unwrap().iter().map(title).collect();
    for path in required(&release) {
        assert!(titles.contains(&path.to_string()), "{path}: {titles:?}");
    }

    // Anyone gets the bytes by the URL of the blob.
    let pointer = get(&store, "current.ipxe").await.unwrap();
    let url = store.blob_url(&path("current.ipxe")).await.unwrap().unwrap();
    let below = url.path().strip_prefix(&format!("/v2/{REPOSITORY}/")).unwrap();
    assert_eq!(fetch(&docker, below).as_bytes(), &pointer[..]);
    assert_eq!(store.blob_url(&path("other.ipxe")).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_collection_takes_only_what_was_pruned() {
    let mut docker = Docker::start(&RegistryAccess::Anyone);
    let store = docker.builder(REPOSITORY).build().await.unwrap();
    let publisher = Publisher::new(store.clone());
    let [one, two] = ["one", "two"].map(sample_release);
    publisher.publish(&one, &Context::new()).await.unwrap();
    publisher.stage(&two, &Context::new()).await.unwrap();
    docker.registry.collect_garbage();
    assert_clean(&publisher).await;
    publisher.activate(two.id(), &Context::new()).await.unwrap();

    let retention = Retention::default().with_keep_last(1);
    let long = Duration::from_secs(60 * 24 * 3600);
    let report = later(&publisher, long).prune(&retention, &Context::new()).await.unwrap();
    assert_eq!(report.deleted, [*one.id()].into(), "{report:?}");
    let gone = required(&one).into_iter().find(|path| !required(&two).contains(path)).unwrap();
    let digest = gone.as_str().strip_prefix("blobs/").unwrap();
    // The registry has it until it collects its garbage.
    fetch(&docker, &format!("blobs/sha256:{digest}"));
    docker.registry.collect_garbage();
    let url = format!("http://{}/v2/{REPOSITORY}/blobs/sha256:{digest}", docker.registry.address());
    let found = Command::new(tool("curl")).args(["-sf", &url]).output().unwrap();
    assert!(!found.status.success(), "{found:?}");
    assert_clean(&publisher).await;
    // What was collected is sent again.
    publisher.publish(&one, &Context::new()).await.unwrap();
    assert_clean(&publisher).await;
}

/// Publishers of the same release and of others, each with its own connections.
async fn publish_at_once(stores: Vec<OciStore>) {
    let releases = ["one", "one", "two", "one"].map(sample_release);
    let publish = |(store, release): (OciStore, Release)| {
        tokio::spawn(async move { Publisher::new(store).stage(&release, &Context::new()).await })
    };
    let staged: Vec<_> = stores.clone().into_iter().zip(releases.clone()).map(publish).collect();
    for staged in staged {
        let staged = staged.await.unwrap();
        staged.unwrap_or_else(|error| panic!("{}: {error:?}", stores[0]));
    }
    let publisher = Publisher::new(stores[0].clone());
    for release in releases {
        publisher.activate(release.id(), &Context::new()).await.unwrap();
    }
    assert_clean(&publisher).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishers_at_the_same_moment_lose_nothing() {
    let docker = Docker::start(&RegistryAccess::Anyone);
    let ferro = Ferro::start().await;
    for address in [docker.registry.address(), ferro.address.clone()] {
        for round in 0..if netboot_testbed::is_long() { 20 } else { 3 } {
            let mut stores = Vec::new();
            for _ in 0..4 {
                let repository = format!("round/{round}");
                // On a loaded machine, Docker's registry fails repeatedly with what others write.
                let patient = builder(&address, &repository).retries(8, Duration::from_secs(60));
                stores.push(patient.build().await.unwrap());
            }
            publish_at_once(stores).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_the_registry_has_are_not_sent_again() {
    let docker = Docker::start(&RegistryAccess::Anyone);
    let address = docker.registry.address().parse().unwrap();
    let proxy = FaultProxy::http(address, |_: &HttpRequest, _| HttpFault::None);
    let store = builder(&proxy.address().to_string(), REPOSITORY).build().await.unwrap();
    let bytes = vec![7; 3_000_000];
    put(&store, "blobs/large", bytes.clone()).await;
    store.delete(&[path("blobs/large")], &Context::new()).await.unwrap();
    assert_eq!(get(&store, "blobs/large").await, None);
    let (before, _) = proxy.bytes();
    put(&store, "blobs/large", bytes.clone()).await;
    let (after, _) = proxy.bytes();
    assert!(after - before < 20_000, "{} bytes were sent", after - before);
    assert!(get(&store, "blobs/large").await.unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unchanged_release_and_a_changed_one_take_few_requests() {
    let publish = async || {
        let docker = Docker::start(&RegistryAccess::Anyone);
        let address = docker.registry.address().parse().unwrap();
        let proxy = FaultProxy::http(address, |_: &HttpRequest, _| HttpFault::None);
        let make = || builder(&proxy.address().to_string(), REPOSITORY).without_probe().build();
        let mut counts = Vec::new();
        for name in ["one", "one", "two"] {
            let before = proxy.requests();
            let publisher = Publisher::new(make().await.unwrap());
            publisher.publish(&sample_release(name), &Context::new()).await.unwrap();
            counts.push(proxy.requests() - before);
        }
        counts
    };
    // Each of 14 new objects takes up to three requests: one asks for it, and two send it.
    at_best(publish, |counts| counts[1] <= 20 && counts[2] <= 75).await;
}

/// A publisher that starts anew asks as much at a target with many releases as at one with few.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_takes_no_more_requests_where_there_are_more_releases() {
    let publish_all = async || {
        let docker = Docker::start(&RegistryAccess::Anyone);
        let address = docker.registry.address().parse().unwrap();
        let proxy = FaultProxy::http(address, |_: &HttpRequest, _| HttpFault::None);
        let mut asked = Vec::new();
        for number in 0..14 {
            let before = proxy.requests();
            let store = builder(&proxy.address().to_string(), REPOSITORY).without_probe();
            let publisher = Publisher::new(store.build().await.unwrap());
            let release = sample_release(&format!("release-{number}"));
            publisher.publish(&release, &Context::new()).await.unwrap();
            asked.push(proxy.requests() - before);
        }
        // Everything is found again.
        let store = docker.builder(REPOSITORY).build().await.unwrap();
        assert_clean(&Publisher::new(store)).await;
        asked
    };
    at_best(publish_all, |asked| asked[13] <= asked[3] + 4).await;
}

/// Deletes a blob on the registry's disk.
fn lose(docker: &Docker, blob: &ReleasePath) {
    let digest = blob.as_str().strip_prefix("blobs/").unwrap();
    let blobs = docker.directory().join("data/docker/registry/v2/blobs/sha256");
    fs::remove_file(blobs.join(&digest[..2]).join(digest).join("data")).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_that_the_registry_has_lost_is_sent_again() {
    let docker = Docker::start(&RegistryAccess::Anyone);
    let open = async || Publisher::new(docker.builder(REPOSITORY).build().await.unwrap());
    let [one, two] = ["one", "two"].map(sample_release);
    let shared = required(&one).into_iter().find(|path| required(&two).contains(path)).unwrap();
    open().await.publish(&one, &Context::new()).await.unwrap();
    lose(&docker, &shared);
    open().await.publish(&two, &Context::new()).await.unwrap();
    assert_clean(&open().await).await;

    lose(&docker, &shared);
    let other = open().await;
    let context = Context::new();
    let report = other.verify(VerifyScope::Live, VerifyDepth::Listing, &context).await.unwrap();
    assert!(!report.is_clean(), "the blob is lost");
    let error = other.activate(one.id(), &Context::new()).await.unwrap_err();
    assert!(matches!(error, netboot_publish::Error::NotWhole { .. }), "{error:?}");
    // The live release, and another one.
    for release in [&two, &one] {
        open().await.publish(release, &Context::new()).await.unwrap();
        assert_clean(&open().await).await;
        lose(&docker, &shared);
    }
}
