//! The sources of a store's keys.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use netboot_publish::{
    Error, ListScope, S3CredentialProvider, S3Credentials, S3Failure, S3Keys, S3Store, Store,
};
use netboot_testbed::{S3Server, TestProcess};

use crate::patience::soon;
use crate::s3::{BUCKET, Site, get, path, put};

/// Returns keys until they are used up.
#[derive(Debug)]
struct Vault {
    keys: Option<S3Keys>,
    asked: AtomicUsize,
}

#[async_trait]
impl S3CredentialProvider for Vault {
    async fn keys(&self) -> Result<S3Keys, Box<dyn std::error::Error + Send + Sync>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.keys.clone().ok_or_else(|| "the vault is sealed".into())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_is_asked_for_keys() {
    let site = Site::new(S3Server::nanio);
    let keys = S3Keys::new(site.server.access_key(), site.server.secret_key());
    let vault = |keys| Arc::new(Vault { keys, asked: AtomicUsize::new(0) });
    let open = vault(Some(keys));
    let store = site.builder().credentials(S3Credentials::Provider(open.clone()));
    let store = store.build().await.unwrap();
    put(&store, "blobs/x", "x").await;
    store.list(&ListScope::Root).await.unwrap();
    assert!(open.asked.load(Ordering::Relaxed) > 3);

    let sealed = site.builder().credentials(S3Credentials::Provider(vault(None)));
    let error = sealed.build().await.unwrap_err();
    assert!(matches!(error, Error::S3 { failure: S3Failure::NoKeysGiven, .. }), "{error:?}");
    assert!(format!("{error:?}").contains("the vault is sealed"), "{error:?}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("correct what the provider of the keys reads"), "{hint}");
}

/// ministack serves everyone. The test checks that no request is signed and no keys are requested.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_anonymous_reads_what_is_public() {
    let site = Site::new(S3Server::ministack);
    let store = site.builder().build().await.unwrap();
    put(&store, "boot.ipxe", "#!ipxe\n").await;
    let anonymous = site.builder().credentials(S3Credentials::Anonymous).without_probe();
    let anonymous = anonymous.build().await.unwrap();
    assert_eq!(get(&anonymous, "boot.ipxe").await.unwrap(), "#!ipxe\n");
    assert_eq!(anonymous.list(&ListScope::Root).await.unwrap().len(), 1);
    assert_eq!(anonymous.stat(&[path("boot.ipxe")]).await.unwrap().len(), 1);
}

/// Names the expected result for the process that runs with other variables.
const EXPECTED: &str = "NETBOOT_TEST_S3_EXPECTED";

/// Runs this test again with these variables and no other variable of Amazon's. The machine has no
/// instance credentials, unless a variable names their service: nothing listens on port 1.
fn with_environment(expected: &str, variables: &[(&str, &str)]) {
    let mut process = TestProcess::new("s3_credentials::the_environment_is_looked_at");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        process = process.env_remove(name);
    }
    let process = process.env("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1");
    process.env(EXPECTED, expected).envs(variables.iter().copied()).passes();
}

#[test]
fn the_environment_is_looked_at() {
    if let Ok(expected) = std::env::var(EXPECTED) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let builder = S3Store::builder(BUCKET).allow_http(true).retries(1, Duration::from_secs(3));
        let built = runtime.block_on(soon(builder.build()));
        let found = match built {
            Ok(store) => store.to_string(),
            Err(Error::S3 { failure, .. }) => format!("{failure:?}"),
            Err(error) => format!("{error:?}"),
        };
        assert_eq!(found, expected);
        return;
    }
    let site = Site::new(S3Server::nanio);
    let endpoint = ("AWS_ENDPOINT_URL_S3", &*site.server.endpoint());
    let access = ("AWS_ACCESS_KEY_ID", site.server.access_key());
    let secret = ("AWS_SECRET_ACCESS_KEY", site.server.secret_key());
    let url = format!("{}/{BUCKET}/", site.server.endpoint());
    with_environment(&url, &[endpoint, access, secret, ("AWS_REGION", "eu-central-1")]);
    // The endpoint for S3 takes precedence over the one for all services.
    let wrong = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    with_environment(&url, &[endpoint, access, secret, wrong]);
    with_environment("WrongSecretKey", &[endpoint, access, ("AWS_SECRET_ACCESS_KEY", "another")]);
    // One key of the pair is missing, and then both.
    with_environment("NoCredentials", &[endpoint, access]);
    with_environment("NoCredentials", &[endpoint]);
    // A variable that a script sets to a secret which is missing.
    with_environment("NoCredentials", &[endpoint, access, ("AWS_SECRET_ACCESS_KEY", "")]);
    // A proxy, or a machine that is not Amazon's, refuses in the place of the instance's service.
    for status in ["403 Forbidden", "401 Unauthorized", "404 Not Found", "503 Service Unavailable"]
    {
        let refusing = refusing(status);
        with_environment("NoCredentials", &[endpoint, ("AWS_METADATA_ENDPOINT", &refusing)]);
    }
}

/// A web server that gives this status for everything. Returns its URL.
fn refusing(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            while request.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 4\r\n\r\nlost");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}
