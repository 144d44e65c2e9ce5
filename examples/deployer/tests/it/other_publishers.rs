//! A directory, a real S3 server and a real rsync daemon, side by side.

use std::fs;
use std::time::Instant;

use netboot_publish::{Publisher, RsyncStore, RsyncTarget, S3Keys, S3Store};
use netboot_testbed::{RsyncDaemon, RsyncModule, S3Server};
use reqwest::Method;
use serde_json::{Value, json};

use crate::service::{PATIENCE, Place, Service};

/// Starts the service with the keys of a bucket in its environment.
fn start(place: &Place, [key, secret]: [&str; 2]) -> Service {
    let mut command = place.command();
    command.env("AWS_ACCESS_KEY_ID", key).env("AWS_SECRET_ACCESS_KEY", secret);
    Service::start(command)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_release_goes_to_all_kinds_of_publishers() {
    let place = Place::new("one");
    for directory in ["s3", "daemon", "module"] {
        fs::create_dir(place.path(directory)).unwrap();
    }
    let bucket = S3Server::nanio(&place.path("s3"));
    bucket.create_bucket("boot");
    let module = RsyncModule::new("pxe", &place.path("module"));
    let daemon = RsyncDaemon::start(&place.path("daemon"), &[module]);
    let (endpoint, port) = (bucket.endpoint(), daemon.port());
    place.configure(&format!(
        "bucket = {{ location = 's3://boot/nixos', endpoint = '{endpoint}', allow-http = true }}\n\
         daemon = 'rsync://127.0.0.1:{port}/pxe'\n"
    ));
    let keys = [bucket.access_key(), bucket.secret_key()];
    let service = start(&place, keys);
    let job = service.succeeds(json!({"kind": "deploy", "profiles": ["worker"]})).await;
    assert!(job["summary"].as_str().unwrap().contains("live at 4 of 4 targets"), "{job:#}");
    let target: RsyncTarget = format!("rsync://127.0.0.1:{port}/pxe").parse().unwrap();
    let store = S3Store::builder("boot")
        .endpoint(&endpoint)
        .prefix("nixos")
        .allow_http(true)
        .credentials(S3Keys::new(bucket.access_key(), bucket.secret_key()));
    for publisher in [
        Publisher::new(store.build().await.unwrap()),
        Publisher::new(RsyncStore::builder(target).build().unwrap()),
    ] {
        assert_eq!(json!(publisher.live().await.unwrap()), job["result"]);
    }
    drop(service);

    // With a missing bucket, the service starts and answers, and shows the error.
    drop(bucket);
    let service = start(&place, keys);
    let releases = service.json("/api/releases").await;
    assert_eq!(releases["live"], job["result"]);
    let targets = releases["targets"].as_array().unwrap();
    let at = |name: &str| targets.iter().find(|target| target["name"] == name).unwrap();
    assert_eq!(at("daemon")["live"], job["result"]);
    assert!(at("bucket")["live"] == Value::Null && at("bucket")["error"].is_string());

    // A job that waits for the bucket can be cancelled.
    let id = service.submit(json!({"kind": "activate", "release": job["result"]})).await;
    service.says(&id, "\"running\"").await;
    let begin = Instant::now();
    let cancelled = service.change(Method::DELETE, &format!("/api/jobs/{id}")).send().await;
    assert!(cancelled.unwrap().status().is_success());
    assert_eq!(service.finished(&id).await["state"], "cancelled");
    assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
}
