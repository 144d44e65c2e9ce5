//! Reads like a machine that boots: the entry points, the pointer, and everything in the release.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use netboot_core::{Manifest, ReleaseId, ReleasePath, Sha256Digest};
use netboot_publish::{S3Store, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::place::{Kind, Place};
use crate::patience::PATIENCE;
use crate::s3::BUCKET;

/// Reads objects as machines do.
#[derive(Debug, Clone)]
pub(crate) enum Reader {
    /// From this directory, like a web server.
    Directory(PathBuf),
    /// Over plain HTTP, unsigned.
    Http { address: SocketAddr, prefix: String },
    /// Over plain HTTP, with presigned URLs.
    Presigned { address: SocketAddr, store: S3Store },
    /// From the store, because there is no other way.
    Store(Arc<dyn Store>),
}

/// The results of a reader.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Seen {
    /// The number of complete boots.
    pub(crate) boots: usize,
    /// The number of objects that were read.
    pub(crate) reads: usize,
    /// The number of boots with another live release than the boot before.
    pub(crate) changes: usize,
}

impl Reader {
    pub(crate) async fn of(place: &Place) -> Self {
        let address = place.address;
        match place.kind {
            Kind::Local | Kind::Daemon | Kind::Ssh => {
                Self::Directory(place.directory.join(&place.name))
            }
            Kind::Ministack => Self::Http { address, prefix: format!("/{BUCKET}/{}/", place.name) },
            Kind::Nanio => {
                let store = place.s3().without_probe().build().await.unwrap();
                Self::Presigned { address, store }
            }
            Kind::Memory => unreachable!("a store in memory has to be given"),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Option<Vec<u8>> {
        match self {
            Self::Directory(root) => std::fs::read(root.join(path)).ok(),
            Self::Http { address, prefix } => get(*address, &format!("{prefix}{path}")).await,
            Self::Presigned { address, store } => {
                let path = ReleasePath::new(path).unwrap();
                let url = store.presigned_url(&path, PATIENCE).await.unwrap();
                let url = url.to_string();
                let target = url.strip_prefix(&format!("http://{address}")).unwrap();
                get(*address, target).await
            }
            Self::Store(store) => {
                let path = ReleasePath::new(path).unwrap();
                let mut reader = store.open(&path).await.unwrap()?;
                let mut bytes = Vec::new();
                reader.read_to_end(&mut bytes).await.unwrap();
                Some(bytes)
            }
        }
    }

    /// The live release by the pointer.
    pub(crate) async fn live(&self) -> ReleaseId {
        let pointer = self.get("current.ipxe").await.unwrap_or_else(|| panic!("no pointer"));
        let pointer = String::from_utf8(pointer).unwrap();
        // Nanio announces the length of the old pointer and sends the new one, so that comments at
        // the end are missing. A machine needs the script.
        assert!(pointer.starts_with("#!ipxe\n") && pointer.contains("\n# netboot "), "{pointer}");
        let chain = pointer.lines().find_map(|line| line.strip_prefix("chain releases/")).unwrap();
        chain.strip_suffix("/boot.ipxe").unwrap().parse().unwrap()
    }

    /// Boots the live release. Fails unless all scripts and objects are there and whole. Returns
    /// the release and the number of objects that were read.
    pub(crate) async fn boot(&self) -> (ReleaseId, usize) {
        self.boot_slowly(Duration::ZERO).await
    }

    /// Boots the live release with a pause before each object of the release.
    pub(crate) async fn boot_slowly(&self, pause: Duration) -> (ReleaseId, usize) {
        for (entry, chain) in
            [("boot.ipxe", "chain current.ipxe"), ("worker/netboot.ipxe", "chain ../current.ipxe")]
        {
            let text = self.get(entry).await.unwrap_or_else(|| panic!("no {entry}"));
            let text = String::from_utf8(text).unwrap();
            let leads = text.starts_with("#!ipxe\n") && text.lines().any(|line| line == chain);
            assert!(leads, "{text}");
        }
        let id = self.live().await;
        // Read the objects that machines fetch, by the script of the release.
        let script = self.get(&format!("releases/{id}/worker/netboot.ipxe")).await;
        let script = script.unwrap_or_else(|| panic!("no script in {id}"));
        let script = String::from_utf8(script).unwrap();
        let mut named = 0;
        for word in script.split_ascii_whitespace() {
            if let Some(digest) = word.strip_prefix("../../../blobs/") {
                tokio::time::sleep(pause).await;
                let bytes = self.get(&format!("blobs/{digest}")).await;
                let bytes = bytes.unwrap_or_else(|| panic!("{digest} is gone in mid-boot"));
                assert_eq!(Sha256Digest::of(&bytes).to_string(), digest, "torn");
                named += 1;
            }
        }
        assert_eq!(named, 2, "{script}");
        // Read everything else in the manifest.
        let manifest = self.get(&format!("releases/{id}/manifest.json")).await;
        let manifest = manifest.unwrap_or_else(|| panic!("no manifest of {id}"));
        let manifest = Manifest::from_json(&manifest).unwrap();
        assert_eq!(*manifest.release(), id);
        let objects = manifest.objects();
        let scripts = objects.iter().filter(|(path, _)| !path.as_str().starts_with("blobs/"));
        let mut reads = 5 + named;
        for (path, content) in scripts {
            let bytes = self.get(path.as_str()).await;
            let bytes = bytes.unwrap_or_else(|| panic!("{path} is gone in mid-boot"));
            assert_eq!(Sha256Digest::of(&bytes), content.sha256, "{path} is torn");
            reads += 1;
        }
        (id, reads)
    }

    /// Boots once, and then repeatedly until it is stopped, and once after that.
    pub(crate) async fn boot_until(
        self,
        stop: Arc<AtomicBool>,
        pause: Duration,
    ) -> JoinHandle<Seen> {
        let (first, _) = self.boot().await;
        tokio::spawn(async move {
            let mut seen = Seen::default();
            let mut before = first;
            loop {
                let is_last = stop.load(Ordering::SeqCst);
                let (id, reads) = self.boot_slowly(pause).await;
                seen.boots += 1;
                seen.reads += reads;
                seen.changes += usize::from(before != id);
                before = id;
                if is_last {
                    return seen;
                }
            }
        })
    }
}

/// The complete body of an answer with status 200.
async fn get(address: SocketAddr, target: &str) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let body = answer.split_off(end);
    let head = String::from_utf8(answer).unwrap().to_ascii_lowercase();
    let status = head.split(' ').nth(1).unwrap();
    if status == "404" {
        return None;
    }
    assert_eq!(status, "200", "{target}: {head}");
    if let Some(length) = head.lines().find_map(|line| line.strip_prefix("content-length: ")) {
        assert_eq!(length.parse::<usize>().unwrap(), body.len(), "{target} is cut short");
    }
    Some(body)
}
