//! `publish-proven` and `custom-store`, with an image that boots, and the contract of the store
//! `AuditedStore`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use netboot_core::{Context, layout};
use netboot_examples::AuditedStore;
use netboot_publish::{
    LocalStore, MemoryStore, Publisher, Store, VerifyDepth, VerifyScope, contract,
};
use netboot_testbed::Testbed;
use tempfile::TempDir;

use crate::netboot_program::netboot;

fn run(program: &str, arguments: &[&str]) -> (Output, String) {
    let output = Command::new(program).args(arguments).output().unwrap();
    let said = [&output.stdout[..], b"\n", &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    (output, said)
}

fn succeeds(program: &str, arguments: &[&str]) -> String {
    let (output, said) = run(program, arguments);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    said
}

fn fails(program: &str, arguments: &[&str]) -> String {
    let (output, said) = run(program, arguments);
    assert!(!output.status.success(), "{program} {arguments:?}: {said}");
    assert!(said.contains("what to do: "), "no remedy: {said}");
    said
}

/// A directory with an image of `custom-builder`, which boots in seconds.
struct Place {
    root: TempDir,
}

impl Place {
    async fn new() -> Self {
        let place = Self { root: TempDir::new().unwrap() };
        let testbed = Testbed::locate();
        let (kernel, busybox) = (testbed.kernel(), testbed.busybox());
        let (kernel, busybox) = (kernel.to_str().unwrap(), busybox.to_str().unwrap());
        let made = place.path("made");
        let arguments = ["--kernel", kernel, "--busybox", busybox, "--publish", &made];
        succeeds(env!("CARGO_BIN_EXE_custom-builder"), &arguments);
        let publisher = Publisher::new(LocalStore::new(&made));
        let live = publisher.live().await.unwrap().unwrap();
        let images = publisher.images(&live).await.unwrap();
        let image = images[0].manifest();
        fs::create_dir(place.path("image")).unwrap();
        for (file, name) in [(&image.kernel, "bzImage"), (&image.initrds[0], "initrd")] {
            let blob = Path::new(&made).join(layout::blob(&file.sha256).as_str());
            fs::copy(blob, place.path(&format!("image/{name}"))).unwrap();
        }
        fs::write(place.path("image/init"), "/init").unwrap();
        fs::write(place.path("image/kernel-params"), "console=ttyS0,115200 panic=-1").unwrap();
        place
    }

    fn path(&self, name: &str) -> String {
        self.root.path().join(name).to_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn an_image_is_published_if_it_comes_up() {
    let place = Place::new().await;
    let (image, publish) = (place.path("image"), place.path("pxe"));
    let arguments = [&image, "--publish", &publish, "--expect", "RESCUE-READY"].map(AsRef::as_ref);
    let said = succeeds(env!("CARGO_BIN_EXE_publish-proven"), &arguments);
    assert!(said.contains("1 image came up") && said.contains("is live"), "{said}");
    // An image that does not show the expected text leaves the live release as it is.
    fs::write(place.path("image/kernel-params"), "console=ttyS0,115200 panic=-1 other").unwrap();
    let arguments = [&image, "--publish", &publish, "--expect", "NEVER-SAID"].map(AsRef::as_ref);
    let said = fails(env!("CARGO_BIN_EXE_publish-proven"), &arguments);
    assert!(said.contains("did not go live") && said.contains("not seen: NEVER-SAID"), "{said}");
    assert!(said.contains("| RESCUE-READY"), "no console: {said}");
    let publisher = Publisher::new(LocalStore::new(&publish));
    assert_eq!(publisher.history().await.unwrap().len(), 1);
    assert_eq!(publisher.releases().await.unwrap().len(), 2);
}

#[tokio::test]
async fn three_sites_get_one_image() {
    let place = Place::new().await;
    let (image, sites) = (place.path("image"), ["nagoya", "osaka", "tokyo"]);
    let options = sites.map(|site| format!("--to={}", place.path(site)));
    let arguments = [&["publish", &image][..], &options.each_ref().map(String::as_str)].concat();
    let program = netboot();
    succeeds(program.to_str().unwrap(), &[&arguments[..], &["--all-or-none"]].concat());
    for site in sites {
        let publisher = Publisher::new(LocalStore::new(place.path(site)));
        let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
        let report = publisher.verify(scope, depth, &Context::new()).await.unwrap();
        assert!(report.is_clean(), "{report}");
    }
}

#[tokio::test]
async fn every_change_is_written_down() {
    let place = Place::new().await;
    let (image, publish, audit) = (place.path("image"), place.path("pxe"), place.path("audit"));
    let arguments = [&image, "--publish", &publish, "--audit", &audit].map(AsRef::as_ref);
    succeeds(env!("CARGO_BIN_EXE_custom-store"), &arguments);
    let written = fs::read_to_string(&audit).unwrap();
    let last = written.lines().last().unwrap();
    assert!(last.ends_with(" swap current.ipxe"), "{written}");
    let sent = |line: &str| line.split_once(" send ").map(|(_, path)| path.to_owned());
    let sent: Vec<String> = written.lines().filter_map(sent).collect();
    let publisher = Publisher::new(LocalStore::new(&publish));
    let live = publisher.live().await.unwrap().unwrap();
    let scope = VerifyScope::Release(live);
    let report = publisher.verify(scope, VerifyDepth::Content, &Context::new()).await.unwrap();
    assert!(report.is_clean() && sent.len() > report.objects, "{report}: {written}");
}

/// Keeps the directories of audited stores while the suite runs.
#[derive(Default)]
struct Directories(Mutex<Vec<TempDir>>);

impl Directories {
    fn store(&self) -> Arc<dyn Store> {
        let directory = TempDir::new().unwrap();
        let audit = directory.path().join("audit");
        self.0.lock().unwrap().push(directory);
        Arc::new(AuditedStore::new(Arc::new(MemoryStore::new()), audit))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_of_ones_own_keeps_the_contract() {
    let directories = Directories::default();
    contract::check_store(|| directories.store()).await;
    contract::check_publisher(|| directories.store()).await;
}
