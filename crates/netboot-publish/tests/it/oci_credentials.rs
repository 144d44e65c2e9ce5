//! The logins of docker and podman open a registry, and stay secret.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use netboot_core::Context;
use netboot_publish::contract::sample_release;
use netboot_publish::{Error, OciCredentials, OciFailure, OciStore, Publisher};
use netboot_testbed::{Registry, RegistryAccess, TestProcess};

use crate::oci::{Docker, builder, failure};

/// The registry, in a variable of the process with another environment.
const REGISTRY: &str = "NETBOOT_TEST_REGISTRY";
/// `netboot-tests:a secret of the tests` in Base64.
const AUTH: &str = "bmV0Ym9vdC10ZXN0czphIHNlY3JldCBvZiB0aGUgdGVzdHM=";

async fn publish_with_the_environment(registry: &str) -> Result<(), Error> {
    let store = OciStore::builder(format!("{registry}/boot/nixos")).build().await?;
    Publisher::new(store).publish(&sample_release("one"), &Context::new()).await.map(drop)
}

/// Runs a test again in an environment whose home is `home`.
fn again(test: &str, home: &Path, registry: &Registry) -> TestProcess {
    let path = format!("{}:{}", home.display(), std::env::var("PATH").unwrap());
    let home = home.display().to_string();
    TestProcess::new(&format!("oci_credentials::{test}"))
        .env(REGISTRY, registry.address())
        .envs([("HOME", home.as_str()), ("DOCKER_CONFIG", &home), ("PATH", &path)])
        .envs([("XDG_RUNTIME_DIR", ""), ("XDG_CONFIG_HOME", ""), ("REGISTRY_AUTH_FILE", "")])
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
}

#[tokio::test]
async fn the_files_of_podman_and_docker_are_read() {
    if let Ok(registry) = std::env::var(REGISTRY) {
        return publish_with_the_environment(&registry).await.unwrap();
    }
    let docker = Docker::start(&RegistryAccess::Password);
    let file =
        format!("{{\"auths\":{{\"{}\":{{\"auth\":\"{AUTH}\"}}}}}}", docker.registry.address());
    let test = "the_files_of_podman_and_docker_are_read";
    for place in ["config.json", ".config/containers/auth.json"] {
        let home = tempfile::TempDir::new().unwrap();
        write(&home.path().join(place), &file);
        again(test, home.path(), &docker.registry).passes();
    }
}

#[tokio::test]
async fn a_helper_gives_the_login_or_says_why_not() {
    if let Ok(registry) = std::env::var(REGISTRY) {
        let home = std::env::var("HOME").unwrap();
        let helper = Path::new(&home).join("docker-credential-tests");
        write(&helper, "#!/bin/sh\necho 'the vault is locked'; exit 1\n");
        let error = publish_with_the_environment(&registry).await.unwrap_err();
        let program = "docker-credential-tests".to_owned();
        assert_eq!(
            *failure(&error),
            OciFailure::CredentialHelper { program, server: registry.clone() },
            "{error:?}"
        );
        let hint = error.hint().unwrap();
        let expected = format!("run `echo {registry} | docker-credential-tests get` to see why it");
        assert!(hint.starts_with(&expected), "{hint}");
        assert!(format!("{error:?}").contains("the vault is locked"), "{error:?}");

        write(&helper, "#!/bin/sh\necho 'credentials not found in native keychain'; exit 1\n");
        let error = publish_with_the_environment(&registry).await.unwrap_err();
        assert_eq!(*failure(&error), OciFailure::NoCredentials, "{error:?}");

        let json = "{\"ServerURL\":\"'$host'\",\"Username\":\"netboot-tests\",\"Secret\":\"a secret of the tests\"}";
        write(&helper, &format!("#!/bin/sh\nread host; [ \"$1\" = get ] && echo '{json}'\n"));
        return publish_with_the_environment(&registry).await.unwrap();
    }
    let docker = Docker::start(&RegistryAccess::Password);
    let home = tempfile::TempDir::new().unwrap();
    write(&home.path().join("config.json"), "{\"credsStore\": \"tests\"}");
    again("a_helper_gives_the_login_or_says_why_not", home.path(), &docker.registry).passes();
}

#[test]
fn a_file_of_logins_that_is_broken_is_named_without_its_secrets() {
    let test = "a_file_of_logins_that_is_broken_is_named_without_its_secrets";
    if let Ok(registry) = std::env::var(REGISTRY) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let error = runtime.block_on(publish_with_the_environment(&registry)).unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(told.contains("config.json") && !told.contains(AUTH), "{told}");
        return assert!(error.hint().unwrap().contains("correct the login of the registry"));
    }
    let docker = Docker::start(&RegistryAccess::Password);
    let home = tempfile::TempDir::new().unwrap();
    write(&home.path().join("config.json"), &format!("{{\"auths\": {{\"x\": \"{AUTH}\"}}}}"));
    again(test, home.path(), &docker.registry).passes();
}

/// The queries that the server of tokens got.
type Queries = Arc<Mutex<Vec<String>>>;

/// Gives a token to whoever has the password.
async fn token(
    State(queries): State<Queries>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> (StatusCode, String) {
    queries.lock().unwrap().push(query.unwrap_or_default());
    match headers.get("authorization").and_then(|value| value.to_str().ok()) {
        Some(basic) if basic == format!("Basic {AUTH}") => {
            (StatusCode::OK, "{\"token\": \"of-the-tests\", \"expires_in\": 300}".to_owned())
        }
        _ => (StatusCode::UNAUTHORIZED, String::new()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authorization_server_gives_tokens_for_the_repository() {
    let queries = Queries::default();
    let app =
        axum::Router::new().route("/token", axum::routing::get(token)).with_state(queries.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let docker = Docker::start(&RegistryAccess::Token(url));
    let (user, address) = (docker.registry.user(), docker.registry.address());

    let error = builder(&address, "boot/nixos").build().await.unwrap_err();
    assert_eq!(*failure(&error), OciFailure::NoCredentials, "{error:?}");
    let wrong = OciCredentials::password(user, "wrong");
    let error = builder(&address, "boot/nixos").credentials(wrong).build().await.unwrap_err();
    assert_eq!(*failure(&error), OciFailure::WrongCredentials, "{error:?}");

    queries.lock().unwrap().clear();
    let store = docker.with_login("boot/nixos").build().await.unwrap();
    let publisher = Publisher::new(store);
    publisher.publish(&sample_release("one"), &Context::new()).await.unwrap();
    // One token for each kind of access, however many requests there are.
    let queries = queries.lock().unwrap().clone();
    assert!(queries.len() <= 3, "{queries:?}");
    for (query, actions) in queries.iter().zip(["pull%2Cpush", "pull", "pull%2Cpush%2Cdelete"]) {
        let expected = format!("scope=repository%3Aboot%2Fnixos%3A{actions}&service=tests");
        assert_eq!(*query, expected, "{queries:?}");
    }
    server.abort();
}
