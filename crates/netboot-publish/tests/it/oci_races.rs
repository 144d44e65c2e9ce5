//! Publishers that write to one repository at the same moment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use bytes::Bytes;
use netboot_core::Context;
use netboot_publish::contract::sample_release;
use netboot_publish::{Error, ListScope, OciStore, Publisher, Store, Swap};
use netboot_testbed::{FaultProxy, HttpFault, HttpRequest, Moment, RegistryAccess, tool};

use crate::oci::{Docker, Ferro, builder, get, path, put, upload};

const REPOSITORY: &str = "boot/nixos";

fn is_write_of(request: &HttpRequest, tag: &str) -> bool {
    request.method == "PUT" && request.target.contains(&format!("/manifests/{tag}"))
}

/// A proxy that keeps the first of such requests until the second one comes.
fn meeting(
    docker: &Docker,
    is_meeting: impl Fn(&HttpRequest, Moment) -> bool + Send + Sync + 'static,
) -> FaultProxy {
    let (both, met) = (Barrier::new(2), AtomicUsize::new(0));
    let address = docker.registry.address().parse().unwrap();
    FaultProxy::http(address, move |request: &HttpRequest, moment| {
        if is_meeting(request, moment) && met.fetch_add(1, Ordering::SeqCst) < 2 {
            both.wait();
        }
        HttpFault::None
    })
}

async fn open(address: &str) -> OciStore {
    builder(address, REPOSITORY).without_probe().build().await.unwrap()
}

async fn send(store: OciStore, place: &str, bytes: &'static str) -> Result<(), Error> {
    store.send(vec![upload(place, bytes)], &Context::new()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_different_bytes_at_the_same_moment_one_stays() {
    let id = *sample_release("one").id();
    let files = [
        format!("releases/{id}/manifest.json"),
        format!("releases/{id}/incomplete.json"),
        "releases/clock".to_owned(),
    ];
    for place in files {
        let docker = Docker::start(&RegistryAccess::Anyone);
        // Both parts are there before their publishers go on.
        let is_answer = |request: &HttpRequest, moment| {
            moment == Moment::Answered && is_write_of(request, "part-")
        };
        let proxy = meeting(&docker, is_answer);
        let address = proxy.address().to_string();
        let (one, other) = (open(&address).await, open(&address).await);
        let sent =
            tokio::join!(send(one.clone(), &place, "one"), send(other.clone(), &place, "other"));
        sent.0.unwrap();
        sent.1.unwrap();
        let found = get(&one, &place).await.expect(&place);
        assert!(found == "one" || found == "other", "{place}: {found:?}");
        // Everyone sees the same object.
        for store in [other, open(&docker.registry.address()).await] {
            assert_eq!(get(&store, &place).await, Some(found.clone()), "{place}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_write_wins_in_the_same_second() {
    let docker = Docker::start(&RegistryAccess::Anyone);
    let address = docker.registry.address();
    let reader = open(&address).await;
    for bytes in ["a", "b", "c", "d", "a", "c"] {
        put(&open(&address).await, "releases/clock", bytes).await;
        assert_eq!(get(&reader, "releases/clock").await, Some(Bytes::from(bytes)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_that_two_parts_name_is_not_lost_to_two_deletions() {
    let docker = Docker::start(&RegistryAccess::Anyone);
    let address = docker.registry.address();
    let store = open(&address).await;
    // Both parts name the shared blob, and each has another one.
    for other in ["blobs/a", "blobs/b"] {
        let batch = [("blobs/shared", "shared"), (other, other)];
        let batch = batch.map(|(place, bytes)| upload(place, bytes)).to_vec();
        store.send(batch, &Context::new()).await.unwrap();
    }
    // Both know both parts before one of them deletes a part.
    let is_deletion =
        |request: &HttpRequest, moment| moment == Moment::Asked && request.method == "DELETE";
    let proxy = meeting(&docker, is_deletion);
    let through = proxy.address().to_string();
    let (one, other) = (open(&through).await, open(&through).await);
    for store in [&one, &other] {
        assert!(get(store, "blobs/shared").await.is_some());
    }
    let (a, b) = ([path("blobs/a")], [path("blobs/b")]);
    let context = Context::new();
    let deleted = tokio::join!(one.delete(&a, &context), other.delete(&b, &context));
    deleted.0.unwrap();
    deleted.1.unwrap();
    let reader = open(&address).await;
    assert_eq!(get(&reader, "blobs/shared").await, Some(Bytes::from("shared")));
    for gone in ["blobs/a", "blobs/b"] {
        assert_eq!(get(&reader, gone).await, None, "{gone}");
    }
}

fn curl(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(tool("curl")).args(["-sf"]).args(arguments).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tag_for_people_that_another_publisher_left_is_not_read_and_not_kept() {
    let docker = Docker::start(&RegistryAccess::Anyone);
    let store = docker.builder(REPOSITORY).build().await.unwrap();
    let release = sample_release("one");
    Publisher::new(store.clone()).stage(&release, &Context::new()).await.unwrap();
    let id = release.id();
    let tag =
        format!("http://{}/v2/{REPOSITORY}/manifests/release-{id}", docker.registry.address());
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let (accept, content) = (format!("Accept: {kind}"), format!("Content-Type: {kind}"));
    let (is_there, old) = curl(&["-H", &accept, &tag]);
    assert!(is_there);

    let signature = format!("releases/{id}/manifest.json.minisig");
    put(&store, &signature, "a new signature").await;
    // A publisher that was slow sets the tag to the artifact that it made.
    let put_old = || curl(&["-X", "PUT", "-H", &content, "--data-binary", &old, &tag]);
    assert!(put_old().0);
    assert_eq!(get(&store, &signature).await, Some(Bytes::from("a new signature")));

    let listed = store.list(&ListScope::Below(path(&format!("releases/{id}")))).await.unwrap();
    let files: Vec<_> = listed.iter().map(|listed| path(&listed.path)).collect();
    store.delete(&files, &Context::new()).await.unwrap();
    assert!(!curl(&["-H", &accept, &tag]).0, "the tag brings the release back");
    assert_eq!(get(&store, &signature).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_whose_answer_is_lost_is_no_conflict() {
    let ferro = Ferro::with_conditions().await;
    // Tells the proxy to lose the next answer.
    let lose = Arc::new(AtomicBool::new(false));
    let loses = lose.clone();
    let address = ferro.address.parse().unwrap();
    let proxy = FaultProxy::http(address, move |request: &HttpRequest, moment| {
        let is_answer = moment == Moment::Answered && is_write_of(request, "file-");
        let is_lost = is_answer && loses.swap(false, Ordering::SeqCst);
        if is_lost { HttpFault::Cut { after: 0 } } else { HttpFault::None }
    });
    // A repetition may get a connection that ends just then, and needs another one.
    let builder = builder(&proxy.address().to_string(), REPOSITORY);
    let store = builder.retries(8, Duration::from_secs(20)).build().await.unwrap();
    assert!(store.capabilities().compare_and_swap(), "the registry keeps conditions");
    let pointer = path("current.ipxe");
    for bytes in ["one", "two"] {
        let before = store.read(&pointer).await.unwrap();
        let version = before.as_ref().map(|document| &document.version);
        lose.store(true, Ordering::SeqCst);
        let swapped = store.swap(&pointer, version, Bytes::from(bytes)).await.unwrap();
        assert_eq!(swapped, Swap::Done, "{bytes}");
        assert_eq!(get(&store, "current.ipxe").await, Some(Bytes::from(bytes)));
        lose.store(true, Ordering::SeqCst);
        let again = store.swap(&pointer, version, Bytes::from("other")).await.unwrap();
        assert_eq!(again, Swap::Conflict, "{bytes}");
    }
    assert_eq!(proxy.faults(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_of_pointers_ends_when_it_is_cancelled() {
    let docker = Docker::start(&RegistryAccess::Anyone);
    put(&open(&docker.registry.address()).await, "current.ipxe", "#!ipxe").await;
    let context = Context::new();
    let cancellation = context.cancellation().clone();
    let address = docker.registry.address().parse().unwrap();
    let proxy = FaultProxy::http(address, move |request: &HttpRequest, _| {
        if request.method != "DELETE" {
            return HttpFault::None;
        }
        cancellation.cancel();
        HttpFault::Delay(std::time::Duration::from_secs(20))
    });
    let store = open(&proxy.address().to_string()).await;
    let error = store.delete(&[path("current.ipxe")], &context).await.unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error:?}");
}

/// The directories of a repository of Docker's registry: below one, by the name of each.
fn children(docker: &Docker, below: &str) -> Vec<PathBuf> {
    let repository =
        docker.directory().join("data/docker/registry/v2/repositories").join(REPOSITORY);
    let listed = fs::read_dir(repository.join(below)).unwrap();
    listed.map(|entry| entry.unwrap().path()).collect()
}

/// A proxy that calls `change` with true before each such request reaches the registry, and with
/// false after its answer.
fn around(
    docker: &Docker,
    is_hit: impl Fn(&HttpRequest) -> bool + Send + Sync + 'static,
    change: impl Fn(bool) + Send + Sync + 'static,
) -> FaultProxy {
    let address = docker.registry.address().parse().unwrap();
    FaultProxy::http(address, move |request: &HttpRequest, moment| {
        if is_hit(request) {
            change(moment == Moment::Asked);
        }
        HttpFault::None
    })
}

/// Docker's registry lists a tag while it writes it, before the tag leads to a manifest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_whose_tag_is_just_written_is_found_by_the_next_look() {
    let docker = Docker::start(&RegistryAccess::Anyone);
    put(&open(&docker.registry.address()).await, "blobs/a", "a").await;
    let [tag] = <[PathBuf; 1]>::try_from(children(&docker, "_manifests/tags")).unwrap();
    let (there, away) = (tag.join("current"), docker.directory().join("away"));
    let left = Arc::new(AtomicUsize::new(1));
    let hides = left.clone();
    let is_read = |request: &HttpRequest| {
        request.method == "GET" && request.target.contains("/manifests/part-")
    };
    let proxy = around(&docker, is_read, move |is_before| {
        if is_before && hides.load(Ordering::SeqCst) > 0 {
            fs::rename(&there, &away).unwrap();
        } else if away.exists() {
            hides.fetch_sub(1, Ordering::SeqCst);
            fs::rename(&away, &there).unwrap();
        }
    });
    let address = proxy.address().to_string();
    assert_eq!(get(&open(&address).await, "blobs/a").await, Some(Bytes::from("a")));

    // A tag that leads nowhere for long is no part, until it leads to one.
    left.store(1000, Ordering::SeqCst);
    let store = open(&address).await;
    assert_eq!(get(&store, "blobs/a").await, None);
    let before = proxy.requests();
    assert_eq!(get(&store, "blobs/a").await, None);
    assert_eq!(proxy.requests() - before, 2, "one list, and one question for the tag");
    left.store(0, Ordering::SeqCst);
    assert_eq!(get(&store, "blobs/a").await, Some(Bytes::from("a")));
}

/// The files in which Docker's registry keeps the digests of what a repository has.
fn links(directories: Vec<PathBuf>) -> Vec<(PathBuf, Vec<u8>)> {
    let links = directories.into_iter().map(|directory| directory.join("link"));
    links.filter_map(|link| Some((link.clone(), fs::read(&link).ok()?))).collect()
}

fn write_all(links: &[(PathBuf, Vec<u8>)]) {
    let write = |(link, bytes): &(PathBuf, Vec<u8>)| fs::write(Path::new(link), bytes).unwrap();
    links.iter().for_each(write);
}

/// Docker's registry empties the link to a blob or a manifest before it writes the link again, for
/// another publisher of the same bytes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_empty_for_a_moment_fails_no_publisher() {
    for (what, method, target, below) in [
        ("a deletion", "DELETE", "/manifests/sha256:", "_manifests/revisions/sha256"),
        ("a part", "PUT", "/manifests/part-", "_layers/sha256"),
        ("the tag of a release", "PUT", "/manifests/release-", "_layers/sha256"),
    ] {
        let docker = Arc::new(Docker::start(&RegistryAccess::Anyone));
        let (registry, full) = (docker.clone(), Mutex::new(Vec::new()));
        let left = Arc::new(AtomicUsize::new(1));
        let empties = left.clone();
        let is_hit = move |request: &HttpRequest| {
            request.method == method && request.target.contains(target)
        };
        let proxy = around(&docker, is_hit, move |is_before| {
            let mut full = full.lock().unwrap();
            if is_before && empties.swap(0, Ordering::SeqCst) > 0 {
                *full = links(children(&registry, below));
                let empty = |(link, _): &(PathBuf, Vec<u8>)| (link.clone(), Vec::new());
                write_all(&full.iter().map(empty).collect::<Vec<_>>());
            } else {
                write_all(&std::mem::take(&mut *full));
            }
        });
        let publisher = Publisher::new(open(&proxy.address().to_string()).await);
        let outcome = publisher.publish(&sample_release("one"), &Context::new()).await;
        outcome.expect(what);
        assert_eq!(left.load(Ordering::SeqCst), 0, "{what}: no link was emptied");
    }
}
