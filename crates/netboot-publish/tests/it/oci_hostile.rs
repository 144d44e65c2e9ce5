//! Registries, and servers that they lead to, which want more than they may have; and registries
//! that lose or damage what they keep.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use netboot_core::{Context, Sha256Digest};
use netboot_publish::contract::sample_release;
use netboot_publish::{ListScope, OciFailure, Publisher, Store};
use netboot_testbed::{FaultProxy, HttpFault, HttpRequest, Moment, RegistryAccess};
use tokio::task::JoinHandle;

use crate::oci::{Docker, builder, failure, get, path, put, upload};

const REPOSITORY: &str = "boot/nixos";

/// A server that asks everyone for a login, and remembers what it got.
struct Thief {
    port: u16,
    got: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

type Got = (u16, Arc<Mutex<Vec<String>>>);

async fn ask(
    State((port, got)): State<Got>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> (StatusCode, [(header::HeaderName, String); 1], String) {
    let login = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let login = login.unwrap_or_default();
    got.lock().unwrap().push(format!("{method} {} {login}", uri.path()));
    let challenge = format!("Bearer realm=\"http://127.0.0.1:{port}/token\",service=\"s\"");
    let status = match uri.path() {
        "/token" => StatusCode::OK,
        _ => StatusCode::UNAUTHORIZED,
    };
    (status, [(header::WWW_AUTHENTICATE, challenge)], "{\"token\": \"of-the-tests\"}".to_owned())
}

impl Thief {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let got = Arc::default();
        let app = axum::Router::new().fallback(ask).with_state((port, Arc::clone(&got)));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { port, got, task }
    }

    fn got(&self) -> Vec<String> {
        self.got.lock().unwrap().clone()
    }
}

impl Drop for Thief {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A proxy that redirects some requests to a server.
fn redirecting(
    docker: &Docker,
    to: &Thief,
    status: &'static str,
    is_redirected: impl Fn(&HttpRequest) -> bool + Send + Sync + 'static,
) -> FaultProxy {
    let port = to.port;
    let address = docker.registry.address().parse().unwrap();
    FaultProxy::http(address, move |request: &HttpRequest, moment| {
        if moment == Moment::Asked && is_redirected(request) {
            let headers = format!("Location: http://127.0.0.1:{port}/elsewhere\r\n");
            return HttpFault::Answer { status: status.to_owned(), headers };
        }
        HttpFault::None
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_the_registry_leads_to_gets_no_login() {
    let docker = Docker::start(&RegistryAccess::Password);
    let large = vec![7; 100_000];
    put(&docker.with_login(REPOSITORY).build().await.unwrap(), "blobs/x", large).await;
    let thief = Thief::start().await;
    let is_blob = |request: &HttpRequest| {
        request.method == "GET" && request.target.contains("/blobs/sha256:")
    };
    let proxy = redirecting(&docker, &thief, "307 Temporary Redirect", is_blob);
    let login = netboot_publish::OciCredentials::password(
        docker.registry.user(),
        docker.registry.password(),
    );
    let store = builder(&proxy.address().to_string(), REPOSITORY).credentials(login);
    let store = store.build().await.unwrap();
    store.read(&path("blobs/x")).await.unwrap_err();
    // It was asked, and neither got the login nor could name another server that would.
    assert_eq!(thief.got(), ["GET /elsewhere "]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_goes_to_the_registry_only() {
    for (method, status) in [
        ("POST", "307 Temporary Redirect"),
        ("PUT", "303 See Other"),
        ("DELETE", "308 Permanent Redirect"),
    ] {
        let docker = Docker::start(&RegistryAccess::Anyone);
        let thief = Thief::start().await;
        let proxy = redirecting(&docker, &thief, status, move |it| it.method == method);
        let store = builder(&proxy.address().to_string(), REPOSITORY).without_probe();
        let publisher = Publisher::new(store.build().await.unwrap());
        let error = publisher.publish(&sample_release("one"), &Context::new()).await.unwrap_err();
        assert_eq!(*failure(&error), OciFailure::NotARegistry, "{error:?}");
        assert_eq!(thief.got(), [""; 0], "{method}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_goes_to_another_domain_only_if_it_may() {
    let thief = Thief::start().await;
    let realm = format!("http://localhost:{}/token", thief.port);
    let docker = Docker::start(&RegistryAccess::Token(realm));
    let error = docker.with_login(REPOSITORY).build().await.unwrap_err();
    assert_eq!(*failure(&error), OciFailure::NotARegistry, "{error:?}");
    assert!(format!("{error:?}").contains("`authorization_server` allows it"), "{error:?}");
    assert_eq!(thief.got(), [""; 0]);
    let allowed = docker.with_login(REPOSITORY).authorization_server("localhost");
    put(&allowed.build().await.unwrap(), "releases/clock", "{}").await;
    assert!(thief.got().iter().all(|got| got.starts_with("GET /token Basic ")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_tags_that_is_missing_is_not_empty() {
    let docker = Docker::start(&RegistryAccess::Anyone);
    let store = docker.builder(REPOSITORY).build().await.unwrap();
    put(&store, "releases/clock", "{}").await;
    let address = docker.registry.address().parse().unwrap();
    let proxy = FaultProxy::http(address, |request: &HttpRequest, moment| {
        if moment == Moment::Asked && request.target.ends_with("/tags/list") {
            let (status, headers) = ("404 Not Found".to_owned(), String::new());
            return HttpFault::Answer { status, headers };
        }
        HttpFault::None
    });
    let store = builder(&proxy.address().to_string(), REPOSITORY).without_probe();
    let store = store.build().await.unwrap();
    let error = store.list(&ListScope::Root).await.unwrap_err();
    assert_eq!(*failure(&error), OciFailure::NotARegistry, "{error:?}");
}

/// The file in which Docker's registry keeps a blob.
fn file_of(docker: &Docker, digest: &Sha256Digest) -> PathBuf {
    let digest = digest.to_string();
    let blobs = "data/docker/registry/v2/blobs/sha256";
    docker.directory().join(blobs).join(&digest[..2]).join(&digest).join("data")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_blob_that_the_registry_keeps_is_deleted_on_its_disk() {
    let docker = Docker::start(&RegistryAccess::Anyone);
    let store = docker.builder(REPOSITORY).build().await.unwrap();
    let bytes = vec![7; 100_000];
    put(&store, "blobs/x", bytes.clone()).await;
    let file = file_of(&docker, &Sha256Digest::of(&bytes));
    fs::write(&file, vec![8; 100_000]).unwrap();
    let context = Context::new();
    let send = || store.send(vec![upload("blobs/x", bytes.clone())], &context);
    let error = send().await.unwrap_err();
    assert_eq!(*failure(&error), OciFailure::Corrupted, "{error:?}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("delete the blob that the error names on the registry's disk"), "{hint}");
    fs::remove_file(&file).unwrap();
    send().await.unwrap();
    assert!(get(&store, "blobs/x").await.unwrap() == bytes);
}

#[tokio::test]
async fn one_repository_has_one_place() {
    let place = async |text: &str| {
        let store = builder(text.split_once('/').unwrap().0, text.split_once('/').unwrap().1);
        store.without_probe().build().await.unwrap().place().await.unwrap()
    };
    for (one, other) in [
        ("registry.example.org/boot", "Registry.example.org:443/boot"),
        ("docker.io/someone/boot", "index.docker.io/someone/boot"),
    ] {
        assert_eq!(place(one).await, place(other).await);
    }
    assert_ne!(place("registry.example.org/boot").await, place("registry.example.org/b").await);
}
