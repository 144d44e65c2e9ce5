//! Each common failure of an S3 target has its own error, with a hint. The tests provoke each on a
//! real server.

use std::time::Duration;

use netboot_core::Context;
use netboot_publish::{
    Error, ListScope, S3Credentials, S3Failure, S3Keys, S3Store, S3StoreBuilder, Store,
};
use netboot_testbed::{ReservedPort, S3Server, TestProcess};

use crate::patience::soon;
use crate::s3;
use crate::s3::{BUCKET, Site, builder_at, path, put, upload};

/// The failure of building a store. Checks that it has a hint.
async fn failure(builder: S3StoreBuilder) -> S3Failure {
    let builder = builder.retries(1, Duration::from_secs(5));
    let error = soon(builder.build()).await.unwrap_err();
    failure_of(&error)
}

fn failure_of(error: &Error) -> S3Failure {
    let hint = error.hint().unwrap();
    assert!(hint.len() > 20, "{error}: {hint}");
    let said = format!("{error} {error:?}");
    assert!(!said.contains("a secret of the tests"), "the error shows a secret: {said}");
    match error {
        Error::S3 { failure, url, .. } => {
            assert!(url.starts_with("http"), "{url}");
            failure.clone()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_and_buckets_that_are_wrong_are_told_apart() {
    let site = Site::new(S3Server::nanio);
    let endpoint = site.server.endpoint();
    let keys = |access: &str, secret: &str| site.builder().credentials(S3Keys::new(access, secret));
    let (access, secret) = (site.server.access_key(), site.server.secret_key());
    assert_eq!(failure(keys("nobody", secret)).await, S3Failure::UnknownAccessKey);
    assert_eq!(failure(keys(access, "another")).await, S3Failure::WrongSecretKey);
    let anonymous = site.builder().credentials(S3Credentials::Anonymous);
    assert_eq!(failure(anonymous).await, S3Failure::NoCredentials);
    let misspelt = S3Store::builder("boot-image").endpoint(endpoint).allow_http(true);
    let misspelt = misspelt.credentials(S3Keys::new(access, secret));
    assert_eq!(failure(misspelt.clone()).await, S3Failure::NoSuchBucket);

    // The hints: with the right keys and name, it works.
    site.builder().build().await.unwrap();

    // Without a probe, each operation returns the failure.
    let store = misspelt.without_probe().build().await.unwrap();
    let errors = [
        store.list(&ListScope::Root).await.unwrap_err(),
        store.read(&path("current.ipxe")).await.unwrap_err(),
        store.send(vec![upload("blobs/x", "x")], &Context::new()).await.unwrap_err(),
        store.send(vec![upload("blobs/x", vec![0; 9_000_000])], &Context::new()).await.unwrap_err(),
        store.swap(&path("current.ipxe"), None, "x".into()).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(failure_of(&error), S3Failure::NoSuchBucket, "{error:?}");
    }
    // An answer to HEAD has no code. The store finds the reason anyway.
    let store = keys(access, "another").without_probe().build().await.unwrap();
    let error = store.stat(&[path("current.ipxe")]).await.unwrap_err();
    assert_eq!(failure_of(&error), S3Failure::WrongSecretKey);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_of_others_or_of_another_region_is_told() {
    let site = Site::new(S3Server::ministack);
    // An access key of twelve digits belongs to the account with this number.
    let other = site.builder().credentials(S3Keys::new("111111111111", "any"));
    assert_eq!(failure(other.clone()).await, S3Failure::AccessDenied);
    let answer = site.server.request(
        "PUT",
        "/in-ireland",
        "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint>\
         </CreateBucketConfiguration>",
    );
    assert!(answer.contains(" 200 "), "{answer}");
    let ireland = S3Store::builder("in-ireland").endpoint(site.server.endpoint()).allow_http(true);
    let ireland = ireland.credentials(S3Keys::new("000000000000", "any"));
    let expected = Some("eu-west-1".to_owned());
    assert_eq!(failure(ireland.clone()).await, S3Failure::WrongRegion { expected });
    ireland.region("eu-west-1").build().await.unwrap();

    // The policy for machines only allows reading below the prefix.
    let own = site.builder().prefix(path("site/one")).build().await.unwrap();
    put(&own, "boot.ipxe", "#!ipxe\n").await;
    put(&own.with_prefix(None), "site/secret", "not for machines").await;
    let answer =
        site.server.request("PUT", &format!("/{BUCKET}?policy"), &own.public_read_policy());
    assert!(answer.contains(" 204 ") || answer.contains(" 200 "), "{answer}");
    let reader = other.without_probe().build().await.unwrap();
    assert_eq!(s3::get(&reader, "site/one/boot.ipxe").await.unwrap(), "#!ipxe\n");
    let secret = reader.read(&path("site/secret")).await.unwrap_err();
    assert_eq!(failure_of(&secret), S3Failure::AccessDenied);
    let written = reader.send(vec![upload("site/one/x", "x")], &Context::new()).await.unwrap_err();
    assert_eq!(failure_of(&written), S3Failure::AccessDenied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_does_not_answer_is_told() {
    let closed = ReservedPort::new();
    let refused = failure(builder_at(format!("http://{}", closed.address()))).await;
    assert_eq!(refused, S3Failure::ConnectionRefused);
    let unknown = failure(builder_at("http://no-such-host.invalid")).await;
    assert_eq!(unknown, S3Failure::UnknownHost);

    let site = Site::new(S3Server::ministack);
    let tls = site.server.endpoint().replace("http://", "https://");
    assert_eq!(failure(builder_at(&*tls)).await, S3Failure::Tls, "the server speaks plain HTTP");
    site.server.pause();
    let slow = site.builder().timeout(Duration::from_millis(500));
    assert_eq!(failure(slow.clone()).await, S3Failure::TimedOut);
    site.server.resume();
    slow.timeout(Duration::from_secs(60)).build().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_web_server_is_told_from_an_s3_server() {
    let directory = tempfile::TempDir::new().unwrap();
    let server = netboot_qemu::DirectoryServer::start(directory.path()).await.unwrap();
    let builder = builder_at(server.url("").as_str());
    assert_eq!(failure(builder.clone()).await, S3Failure::NotS3);
    let store = builder.without_probe().build().await.unwrap();
    let listing = store.list(&ListScope::Root).await.unwrap_err();
    assert_eq!(failure_of(&listing), S3Failure::NotS3, "{listing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_trusted_only_if_its_authority_is() {
    let site = Site::new(S3Server::nanio_with_tls);
    assert_eq!(failure(site.builder()).await, S3Failure::Tls);
    let trusting = site.builder().allow_http(false).ca_certificate(site.server.ca_certificate());
    let store = trusting.clone().build().await.unwrap();
    put(&store, "blobs/x", "x").await;
    assert_eq!(s3::get(&store, "blobs/x").await.unwrap(), "x");
    let none = trusting.ca_certificate("no certificate").build().await.unwrap_err();
    assert!(matches!(none, Error::InvalidSetting { setting: "CA certificate", .. }), "{none:?}");
}

/// Names the server for the process that runs with another clock.
const SKEWED_ENDPOINT: &str = "NETBOOT_TEST_SKEWED_ENDPOINT";

/// Runs this test again with a clock that is one hour slow.
#[test]
fn a_clock_that_is_wrong_is_told() {
    let this = "s3_failures::a_clock_that_is_wrong_is_told";
    if let Ok(endpoint) = std::env::var(SKEWED_ENDPOINT) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let found = runtime.block_on(failure(builder_at(endpoint)));
        assert_eq!(found, S3Failure::ClockSkew);
        return;
    }
    let site = Site::new(S3Server::nanio);
    let process = TestProcess::behind(&["faketime", "-f", "-1h"], this);
    process.env(SKEWED_ENDPOINT, site.server.endpoint()).passes();
    // The hint: with this machine's clock, which is right, it works.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(site.builder().build()).unwrap();
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_before_anything_is_sent() {
    let builder = || S3Store::builder(BUCKET).credentials(S3Keys::new("a", "b"));
    for (setting, builder) in [
        ("bucket", S3Store::builder("a/b")),
        ("endpoint", builder().endpoint("s3.example.org")),
        ("endpoint", builder().endpoint("http://s3.example.org")),
        ("endpoint", builder().endpoint("https://key:secret@s3.example.org")),
        ("endpoint", builder().endpoint("https://key:secret@[s3.example.org")),
        ("endpoint", builder().endpoint("https://192.0.2.1").path_style(false)),
        ("public URL", builder().public_url("ftp://example.org")),
        ("public URL", builder().public_url("https://example.org/?token=secret")),
        ("part size", builder().part_size(1024)),
        ("parallelism", builder().parallelism(0)),
        ("lock lease", builder().lock_lease(Duration::from_millis(10))),
        ("connect timeout", builder().connect_timeout(Duration::ZERO)),
        ("timeout", builder().timeout(Duration::ZERO)),
    ] {
        assert!(!format!("{builder:?}").contains("secret"), "{builder:?}");
        let error = builder.build().await.unwrap_err();
        let Error::InvalidSetting { setting: found, .. } = &error else { panic!("{error:?}") };
        assert_eq!(*found, setting);
        assert!(error.hint().is_some() && !format!("{error:?}").contains("secret"), "{error:?}");
    }
}
