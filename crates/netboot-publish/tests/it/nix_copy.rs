//! Real Nix fetches closures from a target: from a directory, over HTTP and from S3.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use netboot_core::{Context, Release};
use netboot_publish::{BinaryCache, LocalStore, Publisher};
use netboot_qemu::DirectoryServer;
use netboot_testbed::{DebianTree, S3Server, tool};
use tempfile::TempDir;

use crate::binary_cache::{key, release, store_path};
use crate::s3::{BUCKET, Site};

/// The directories of the programs of every Nix of the test bed; `None` for the installed one.
fn versions() -> [Option<PathBuf>; 3] {
    let trees = [DebianTree::TRIXIE_NIX, DebianTree::SID_NIX];
    let [trixie, sid] = trees.map(|tree| Some(tree.programs()));
    [None, trixie, sid]
}

/// A Nix with an empty store whose paths begin with `/nix/store`. It trusts one key.
struct Client {
    programs: Option<PathBuf>,
    root: TempDir,
    trusted: String,
}

impl Client {
    fn new(programs: Option<PathBuf>, trusted: &str) -> Self {
        Self { programs, root: TempDir::new().unwrap(), trusted: trusted.to_owned() }
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let programs = self.programs.as_ref();
        let place = |name: &str| self.root.path().join(name);
        let configuration = [
            "experimental-features = nix-command",
            "substituters =",
            "build-users-group =",
            "download-attempts = 1",
            "require-sigs = true",
            &format!("trusted-public-keys = {}", self.trusted),
        ];
        Command::new(programs.map_or_else(|| tool(program), |directory| directory.join(program)))
            .args(arguments)
            .env("NIX_REMOTE", format!("local?root={}", self.root.path().display()))
            .env("NIX_CONF_DIR", place("configuration"))
            .env("NIX_CONFIG", configuration.join("\n"))
            .env("HOME", self.root.path())
            .env("XDG_CACHE_HOME", place("cache"))
            .env("XDG_CONFIG_HOME", place("config"))
            .env("AWS_ACCESS_KEY_ID", "netboot-tests")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .output()
            .unwrap()
    }

    fn must(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.run(program, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Copies the closure of a generation's system, and checks that the store has it whole.
    fn copy(&self, from: &str, generation: char) {
        let system = store_path(generation, "system").to_string();
        self.must("nix", &["copy", "--from", from, &system]);
        let references = self.must("nix-store", &["--query", "--references", &system]);
        assert_eq!(references.lines().count(), 2, "{references}");
        self.must("nix-store", &["--verify", "--check-contents"]);
        let signed = self.must("nix", &["path-info", "--sigs", &system]);
        assert!(signed.contains("cache.example.org-1:"), "{signed}");
        let file = self.root.path().join(&system[1..]).join("init");
        assert_eq!(fs::read_to_string(file).unwrap(), format!("generation {generation}"));
    }

    /// Returns true if this Nix can read buckets.
    fn knows_s3(&self, from: &str) -> bool {
        let output = self.run("nix", &["store", "ping", "--store", from]);
        !String::from_utf8_lossy(&output.stderr).contains("don't know how to open Nix store")
    }

    /// Returns what Nix says while it refuses to copy.
    fn refuses(&self, from: &str, generation: char) -> String {
        let system = store_path(generation, "system").to_string();
        let output = self.run("nix", &["copy", "--from", from, &system]);
        assert!(!output.status.success(), "{output:?}");
        let found = self.run("nix-store", &["--query", "--hash", &system]);
        assert!(!found.status.success(), "the store has {system}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

async fn published(directory: &Path, releases: &[Release]) {
    let publisher = Publisher::new(LocalStore::new(directory));
    let publisher = publisher.with_binary_cache(BinaryCache::new(key(1)));
    for release in releases {
        publisher.publish(release, &Context::new()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_nix_copies_closures_from_a_directory_from_http_and_from_s3() {
    let directory = TempDir::new().unwrap();
    // The second release moves the library into another blob.
    let releases = [release('a', 3), release('b', 19)];
    published(directory.path(), &releases).await;
    let server = DirectoryServer::start(directory.path()).await.unwrap();
    let site = Site::new(S3Server::ministack);
    let publisher = Publisher::new(site.builder().build().await.unwrap());
    let publisher = publisher.with_binary_cache(BinaryCache::new(key(1)));
    for release in &releases {
        publisher.publish(release, &Context::new()).await.unwrap();
    }
    let s3 =
        format!("s3://{BUCKET}?endpoint={}&scheme=http&region=us-east-1", site.server.address());
    // A bucket that everybody may read is a cache for a Nix that was built without S3.
    let bucket = format!("{}/{BUCKET}", site.server.endpoint());
    let trusted = key(1).public_key().to_string();
    let mut from_s3 = 0;
    for programs in versions() {
        let file = format!("file://{}", directory.path().display());
        for from in [&file, server.url("").as_str(), &bucket, &s3] {
            println!("{programs:?} from {from}");
            let client = Client::new(programs.clone(), &trusted);
            tokio::task::block_in_place(|| {
                if from.starts_with("s3:") && !client.knows_s3(from) {
                    println!("this Nix was built without S3");
                    return;
                }
                client.copy(from, 'a');
                client.copy(from, 'b');
                from_s3 += usize::from(from.starts_with("s3:"));
            });
        }
    }
    assert!(from_s3 > 0, "no Nix of the test bed was built with S3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_nix_refuses_another_key_and_an_altered_blob() {
    let directory = TempDir::new().unwrap();
    let release = release('a', 3);
    published(directory.path(), std::slice::from_ref(&release)).await;
    let from = format!("file://{}", directory.path().display());
    let (other, trusted) = (key(2).public_key().to_string(), key(1).public_key().to_string());
    for programs in versions() {
        let said = Client::new(programs, &other).refuses(&from, 'a');
        assert!(said.contains("signature"), "{said}");
    }
    // Flip a bit in the middle of every store path.
    let closure = release.manifest().images()["worker"].closure.clone().unwrap();
    for sha256 in closure.blobs.keys() {
        let blob = directory.path().join(format!("blobs/{sha256}"));
        let mut bytes = fs::read(&blob).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&blob, bytes).unwrap();
    }
    for programs in versions() {
        let said = Client::new(programs, &trusted).refuses(&from, 'a');
        assert!(!said.contains("signature"), "{said}");
    }
}
