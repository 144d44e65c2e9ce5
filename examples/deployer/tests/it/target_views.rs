//! The targets that the service serves to machines, besides the directory that they boot from.

use std::fs;

use netboot_core::{Sha256Digest, layout};
use netboot_publish::{Publisher, S3Keys, S3Store};
use netboot_testbed::S3Server;
use reqwest::StatusCode;
use reqwest::header::{CACHE_CONTROL, RANGE};
use tempfile::TempDir;

use crate::service::{Place, Service};
use crate::small_release;

/// Lets the service serve these targets.
fn serve(place: &Place, names: &str) {
    let file = place.path("netboot.toml");
    let text = fs::read_to_string(&file).unwrap();
    let grace = "grace-seconds = 5\n";
    assert!(text.contains(grace));
    fs::write(file, text.replace(grace, &format!("{grace}serve-targets = [{names}]\n"))).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_refuses_anonymous_reads_is_served_if_the_file_says_so() {
    let directory = TempDir::new().unwrap();
    let server = S3Server::nanio(directory.path());
    server.create_bucket("boot");
    let keys = S3Keys::new(server.access_key(), server.secret_key());
    let store = S3Store::builder("boot").endpoint(server.endpoint()).allow_http(true);
    let store = store.prefix("nixos").credentials(keys).build().await.unwrap();
    let publisher = Publisher::new(store);
    let kernel = vec![7; 700_000];
    let image = small_release::image("worker", &kernel);
    small_release::publish_images(&publisher, small_release::renderer(), [image]).await;

    let place = Place::new("views");
    let location = format!("s3://boot/nixos?endpoint={}&allow-http=true", server.endpoint());
    place.configure(&format!("bucket = '{location}'\n"));
    serve(&place, "'bucket'");
    let mut command = place.command();
    command.env("AWS_ACCESS_KEY_ID", server.access_key());
    command.env("AWS_SECRET_ACCESS_KEY", server.secret_key());
    let service = Service::start(command);

    let pointer = service.get("/targets/bucket/current.ipxe").send().await.unwrap();
    assert_eq!(pointer.status(), StatusCode::OK);
    assert_eq!(pointer.headers()[CACHE_CONTROL], "no-cache");
    assert!(pointer.text().await.unwrap().starts_with("#!ipxe\n"));
    let blob = format!("/targets/bucket/{}", layout::blob(&Sha256Digest::of(&kernel)));
    let part = service.get(&blob).header(RANGE, "bytes=699990-").send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert!(part.bytes().await.unwrap() == kernel[699_990..]);
    for missing in ["/targets/bucket/no.ipxe", "/targets/osaka/current.ipxe", "/targets/x/y"] {
        let answer = service.get(missing).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{missing}");
    }
}

#[tokio::test]
async fn a_target_that_is_served_must_exist_and_must_not_show_the_state() {
    let place = Place::new("views");
    serve(&place, "'kyoto'");
    let output = place.command().arg("--check").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("deployer.serve-targets"), "{said}");
    let state = place.path("state/jobs").display().to_string();
    place.configure(&format!("jobs = '{state}'\n"));
    serve(&place, "'jobs'");
    let output = place.command().arg("--check").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("overlaps the state-directory"), "{said}");
}
