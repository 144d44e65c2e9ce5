//! Hints about registries.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use netboot_core::{Context, ErrorClass};
use netboot_publish::contract::sample_release;
use netboot_publish::{Error, OciCredentials, OciFailure, OciStore, OciStoreBuilder, Publisher};
use netboot_testbed::{
    FaultProxy, HttpFault, HttpRequest, Moment, Registry, RegistryAccess, ReservedPort, tool,
};

use super::{assert_clean, hint};
use crate::oci::{Docker, builder, failure, get, put};

const REPOSITORY: &str = "boot/nixos";

fn address(docker: &Docker) -> SocketAddr {
    docker.registry.address().parse().unwrap()
}

/// A proxy in front of a registry. The rule is asked for each request. Docker's registry names its
/// uploads by the address that a client asked for, so they pass through the proxy as well.
fn front(
    docker: &Docker,
    rule: impl Fn(&HttpRequest) -> Option<HttpFault> + Send + Sync + 'static,
) -> FaultProxy {
    FaultProxy::http(address(docker), move |request: &HttpRequest, moment| {
        rule(request).filter(|_| moment == Moment::Asked).unwrap_or(HttpFault::None)
    })
}

fn behind(proxy: &FaultProxy) -> OciStoreBuilder {
    builder(&proxy.address().to_string(), REPOSITORY).without_probe()
}

fn status(status: &str) -> HttpFault {
    HttpFault::Answer { status: status.to_owned(), headers: String::new() }
}

async fn publish(store: OciStore) -> Result<(), Error> {
    Publisher::new(store).publish(&sample_release("one"), &Context::new()).await.map(drop)
}

/// A registry that answers a request with a status, and what `OciFailure` that is; without the
/// fault, the release goes live.
async fn fails_with(
    fault: HttpFault,
    is_hit: impl Fn(&HttpRequest) -> bool + Send + Sync + 'static,
    class: ErrorClass,
    expected: &str,
) -> Error {
    let docker = Docker::start(&RegistryAccess::Anyone);
    let proxy = front(&docker, move |request| is_hit(request).then(|| fault.clone()));
    let error = publish(behind(&proxy).build().await.unwrap()).await.unwrap_err();
    hint(&error, expected);
    assert_eq!(error.class(), class, "{error:?}");
    let store = docker.builder(REPOSITORY).build().await.unwrap();
    publish(store.clone()).await.unwrap();
    assert_clean(&Publisher::new(store)).await;
    error
}

fn is_upload(request: &HttpRequest) -> bool {
    request.method == "PUT" && request.target.contains("/blobs/uploads/")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_wants_a_login_gets_the_right_one() {
    let docker = Docker::start(&RegistryAccess::Password);
    let error = docker.builder(REPOSITORY).build().await.unwrap_err();
    hint(&error, "log in with `podman login` or `docker login` as the user that runs netboot, or");
    assert_eq!(*failure(&error), OciFailure::NoCredentials, "{error:?}");
    let wrong = OciCredentials::password(docker.registry.user(), "a wrong secret");
    let error = docker.builder(REPOSITORY).credentials(wrong).build().await.unwrap_err();
    hint(&error, "log in to the registry again: the password or the token is wrong or has expired");
    assert!(!format!("{error:?} {error}").contains("a wrong secret"));
    assert_eq!(error.class(), ErrorClass::Denied);
    publish(docker.with_login(REPOSITORY).build().await.unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_without_permissions_gets_them() {
    let is_write = |request: &HttpRequest| request.method == "POST";
    let hint = "let the account pull, push and delete in this repository; some registries need";
    fails_with(status("403 Forbidden"), is_write, ErrorClass::Denied, hint).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_does_not_delete_is_allowed_to() {
    let directory = tempfile::TempDir::new().unwrap();
    let registry = Registry::without_deletion(directory.path());
    let store = builder(&registry.address(), REPOSITORY).build().await.unwrap();
    let error = publish(store).await.unwrap_err();
    hint(&error, "allow deletion in the registry (distribution: `storage.delete.enabled: true`),");
    assert_eq!(*failure(&error), OciFailure::CannotDelete, "{error:?}");
    drop(registry);
    let registry = Registry::start(directory.path(), &RegistryAccess::Anyone);
    let store = builder(&registry.address(), REPOSITORY).build().await.unwrap();
    publish(store.clone()).await.unwrap();
    assert_clean(&Publisher::new(store)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_takes_larger_requests() {
    let hint = "raise the limit of the proxy in front of the registry (nginx:";
    let fault = status("413 Payload Too Large");
    fails_with(fault, is_upload, ErrorClass::Input, hint).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_registry_gets_space() {
    let hint = "prune old releases, let the registry collect its garbage, and publish again; the";
    let fault = status("507 Insufficient Storage");
    fails_with(fault, is_upload, ErrorClass::StorageFull, hint).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_is_busy_or_fails_is_asked_again() {
    let hint = "publish again later, or with a lower parallelism";
    let fault = status("503 Service Unavailable");
    fails_with(fault, is_upload, ErrorClass::Unreachable, hint).await;
    let hint = "read the log of the registry, and publish again";
    let fault = status("500 Internal Server Error");
    fails_with(fault, is_upload, ErrorClass::Unreachable, hint).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_a_network_alters_are_sent_again() {
    let hint = "publish again; if it happens again, test the registry's disk and the network";
    let fault = HttpFault::Flip { at: 0 };
    let error = fails_with(fault, is_upload, ErrorClass::Unreachable, hint).await;
    assert_eq!(*failure(&error), OciFailure::Corrupted, "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_odd_answer_has_the_registrys_words() {
    let is_manifest = |request: &HttpRequest| {
        request.method == "PUT" && request.target.contains("/manifests/part-")
    };
    let hint = "read the cause in the registry's message";
    let fault = HttpFault::Flip { at: 0 };
    let error = fails_with(fault, is_manifest, ErrorClass::Failed, hint).await;
    assert!(error.to_string().contains("MANIFEST_INVALID"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_is_cut_is_repaired() {
    let hint = "check the network, and publish again: files that arrived are not sent again";
    let fault = HttpFault::Cut { after: 0 };
    fails_with(fault, is_upload, ErrorClass::Unreachable, hint).await;
    let docker = Docker::start(&RegistryAccess::Anyone);
    let proxy = front(&docker, |_| Some(HttpFault::Delay(Duration::from_secs(2))));
    let slow = || behind(&proxy).timeout(Duration::from_millis(200));
    let error = publish(slow().build().await.unwrap()).await.unwrap_err();
    super::hint(&error, hint);
    assert_eq!(error.class(), ErrorClass::TimedOut, "{error:?}");
    publish(docker.builder(REPOSITORY).build().await.unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tag_of_somebody_else_is_deleted() {
    let docker = Docker::start(&RegistryAccess::Anyone);
    let store = docker.builder(REPOSITORY).build().await.unwrap();
    put(&store, "blobs/some", "{}").await;
    let digest = netboot_core::Sha256Digest::of(b"{}");
    let layer = format!("{{\"mediaType\":\"x/y\",\"digest\":\"sha256:{digest}\",\"size\":2}}");
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let json = format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"{kind}\",\"config\":{layer},\"layers\":[{layer}]}}"
    );
    let tag = "file-current.ipxe";
    let url =
        |tag: &str| format!("http://{}/v2/{REPOSITORY}/manifests/{tag}", docker.registry.address());
    let curl = |arguments: &[&str]| {
        let output = Command::new(tool("curl")).args(["-sf"]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    let header = format!("Content-Type: {kind}");
    curl(&["-X", "PUT", "-H", &header, "--data-binary", &json, &url(tag)]);
    let error = publish(store.clone()).await.unwrap_err();
    hint(&error, "delete the tag `file-current.ipxe` of the repository if nothing needs it, or");
    assert_eq!(error.class(), ErrorClass::Conflict);
    let digest = netboot_core::Sha256Digest::of(json.as_bytes());
    curl(&["-X", "DELETE", &url(&format!("sha256:{digest}"))]);
    publish(store.clone()).await.unwrap();
    assert!(get(&store, "current.ipxe").await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_registry_is_named() {
    let docker = Docker::start(&RegistryAccess::Anyone);
    let closed = ReservedPort::new();
    let error = builder(&closed.address().to_string(), REPOSITORY).build().await.unwrap_err();
    hint(&error, "check the host and the port, the firewall, and that the registry is running");
    let error = builder("registry.invalid", REPOSITORY).build().await.unwrap_err();
    hint(&error, "check the name of the registry's host");
    let directory = tempfile::TempDir::new().unwrap();
    let web = netboot_qemu::DirectoryServer::start(directory.path()).await.unwrap();
    let url = web.url("").to_string();
    let host = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let error = builder(&host, REPOSITORY).build().await.unwrap_err();
    hint(&error, "check that the host is a registry that speaks the OCI distribution API, and not");
    let error = docker.builder(REPOSITORY).plain_http(false).build().await.unwrap_err();
    hint(&error, "give the store the certificate of the authority that signed the registry's, or");
    publish(docker.builder(REPOSITORY).plain_http(true).build().await.unwrap()).await.unwrap();
}
