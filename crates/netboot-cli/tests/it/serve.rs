//! `netboot serve`: machines boot from a place of each kind through it, and it ends in order.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;

use netboot_core::{ArtifactKind, BytesArtifact, Context, layout};
use netboot_publish::{Store, Upload};
use netboot_qemu::{BootOutcome, Machine};
use netboot_testbed::{PATIENCE, peak_memory};
use serde_json::Value;

use crate::boot::release;
use crate::place::{Place, Said};

/// The program while it serves.
struct Serving {
    child: Child,
    url: String,
    stderr: BufReader<ChildStderr>,
    stdout: BufReader<std::process::ChildStdout>,
}

impl Serving {
    fn start(place: &Place, options: &[&str]) -> Self {
        let mut command = place.command(&["serve", &place.target(), "--listen", "127.0.0.1:0"]);
        command.args(options).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let mut url = String::new();
        if !options.contains(&"--json") {
            stdout.read_line(&mut url).unwrap();
            assert!(url.starts_with("http://127.0.0.1:") && url.ends_with("/boot.ipxe\n"), "{url}");
        }
        Self { child, url: url.trim_end().to_owned(), stderr, stdout }
    }

    fn url(&self, path: &str) -> String {
        self.url.replace("boot.ipxe", path)
    }

    fn end(mut self, signal: &str) -> Said {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).unwrap();
        self.stderr.read_to_string(&mut stderr).unwrap();
        Said { code: self.child.wait().unwrap().code(), stdout, stderr }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The output of curl, which is an HTTP client of its own.
fn curl(arguments: &[&str]) -> Vec<u8> {
    let output =
        Command::new("curl").args(["-sS", "--noproxy", "*"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    output.stdout
}

async fn boots(url: &str, expected: &str) {
    let machine = Machine::builder().expect(expected).timeout(PATIENCE).build().unwrap();
    let report = machine.boot(&url.parse().unwrap(), &Context::new()).await.unwrap();
    assert_eq!(report.outcome, BootOutcome::Succeeded, "{report}");
}

/// The server of the bucket refuses requests that are not signed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_boots_from_a_bucket_that_refuses_anonymous_reads() {
    let place = Place::nanio();
    let (publisher, context) = (place.publisher().await, Context::new());
    publisher.publish(&release("one"), &context).await.unwrap();
    let serving = Serving::start(&place, &[]);
    boots(&serving.url, "MENU-one").await;
    // The pointer changes while it is served.
    publisher.publish(&release("two"), &context).await.unwrap();
    boots(&serving.url, "MENU-two").await;
    let said = serving.end("-INT");
    assert_eq!(said.code, Some(130), "{said:#?}");
    assert_eq!(said.stderr, "Cancelled; the target is no longer served.\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_resumes_a_download_from_every_kind_of_place() {
    for place in Place::all().into_iter().chain([Place::repository()]) {
        let bytes: Vec<u8> = (0..2_000_000_u32).map(|n| (n % 251) as u8).collect();
        let blob = BytesArtifact::new(ArtifactKind::Kernel, "bzImage", bytes.clone()).unwrap();
        let path = layout::blob(&netboot_core::Artifact::sha256(&blob));
        let store = place.publisher().await.store().clone();
        let uploads = vec![Upload::new(path.clone(), Arc::new(blob))];
        store.send(uploads, &Context::new()).await.unwrap();
        let serving = Serving::start(&place, &[]);
        let url = serving.url(path.as_str());
        let part = place.path("part");
        std::fs::write(&part, &bytes[..700_000]).unwrap();
        curl(&["--continue-at", "-", "--output", part.to_str().unwrap(), &url]);
        assert!(std::fs::read(&part).unwrap() == bytes, "{place:?}");
        assert!(curl(&["--range", "5-9", &url]) == bytes[5..10], "{place:?}");
        let head = String::from_utf8(curl(&["--head", &url])).unwrap();
        assert!(head.contains("content-length: 2000000\r\n"), "{place:?}: {head}");
        assert!(head.contains("cache-control: public, max-age=31536000, immutable"), "{head}");
        let status = ["--output", "/dev/null", "--write-out", "%{http_code}"];
        let missing = curl(&[&status[..], &[&serving.url("worker/netboot.ipxe")]].concat());
        assert_eq!(missing, b"404", "{place:?}");
        let said = serving.end("-TERM");
        assert_eq!(said.code, Some(143), "{place:?}: {said:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_blobs_take_little_memory() {
    let place = Place::nanio();
    let bytes = vec![7; 120_000_000];
    let blob = BytesArtifact::new(ArtifactKind::Kernel, "bzImage", bytes).unwrap();
    let path = layout::blob(&netboot_core::Artifact::sha256(&blob));
    let store = place.publisher().await.store().clone();
    store.send(vec![Upload::new(path.clone(), Arc::new(blob))], &Context::new()).await.unwrap();
    let serving = Serving::start(&place, &[]);
    let url = serving.url(path.as_str());
    let downloads = (0..4).map(|_| {
        Command::new("curl")
            .args(["-sS", "--noproxy", "*", "--output", "/dev/null", &url])
            .spawn()
            .unwrap()
    });
    for mut download in downloads.collect::<Vec<_>>() {
        assert!(download.wait().unwrap().success());
    }
    let peak = peak_memory(serving.child.id()) / 1024;
    println!("four downloads of 120 MB: {peak} MiB");
    assert!(peak < 64, "{peak} MiB");
}

#[tokio::test]
async fn programs_are_told_the_url_and_the_end() {
    let place = Place::directory();
    let [_] = place.publish(["one"]).await;
    let serving = Serving::start(&place, &["--json"]);
    // The object has several lines; the server listens when it has been printed.
    let mut serving = serving;
    let mut text = String::new();
    let object: Value = loop {
        serving.stdout.read_line(&mut text).unwrap();
        if let Ok(object) = serde_json::from_str(&text) {
            break object;
        }
    };
    assert_eq!(object["target"], place.target().as_str());
    let listening = object["listening"].as_str().unwrap();
    assert_eq!(object["urls"][0], format!("http://{listening}/boot.ipxe").as_str());
    curl(&["--fail", object["urls"][0].as_str().unwrap()]);
    let said = serving.end("-INT");
    assert_eq!(said.code, Some(130));
    assert_eq!(said.json()["error"]["message"], "Cancelled; the target is no longer served.");
}

#[tokio::test]
async fn an_address_that_is_taken_and_a_place_without_releases_are_told() {
    let place = Place::directory();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    // The hint: another port.
    let said = place.fails(&["serve", &place.target(), "--listen", &address]);
    assert!(said.contains(&address) && said.contains("--listen"), "{said}");
    assert!(said.contains("nothing is published"), "{said}");
    let serving = Serving::start(&place, &[]);
    let [_] = place.publish(["one"]).await;
    curl(&["--fail", &serving.url]);
    serving.end("-INT");
}
