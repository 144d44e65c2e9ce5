//! Large objects: bounded memory, never wrong bytes in place, and nothing left behind by an
//! incomplete upload.

use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use netboot_core::{
    Artifact, ArtifactKind, ArtifactReader, CancellationToken, Context, FileArtifact, FileName,
    Sha256Digest, Sha256Hasher,
};
use netboot_publish::{Error, S3Store, Store, Upload};
use netboot_testbed::{S3Server, TestProcess, peak_memory};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use crate::patience::{soon, until};
use crate::s3::{BUCKET, Site, builder_at, get, path, put, upload};

/// An artifact of zeros. Its reader ends early, has other bytes at the end, or stalls.
#[derive(Debug)]
struct Stream {
    name: FileName,
    size: u64,
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Right,
    Wrong,
    TooEarly,
    Never,
}

impl Stream {
    fn upload(place: &str, size: u64, end: End) -> Upload {
        Upload::new(
            path(place),
            Arc::new(Self { name: FileName::new("stream").unwrap(), size, end }),
        )
    }
}

#[async_trait]
impl Artifact for Stream {
    fn kind(&self) -> ArtifactKind {
        ArtifactKind::Initrd
    }
    fn file_name(&self) -> &FileName {
        &self.name
    }
    fn size(&self) -> u64 {
        self.size
    }
    fn sha256(&self) -> Sha256Digest {
        let (mut hasher, zeros) = (Sha256Hasher::new(), vec![0; 1 << 20]);
        let mut left = usize::try_from(self.size).unwrap();
        while left > 0 {
            let length = left.min(zeros.len());
            hasher.update(&zeros[..length]);
            left -= length;
        }
        hasher.finish().0
    }
    async fn open(&self) -> Result<ArtifactReader, netboot_core::Error> {
        let zeros = |size: u64| tokio::io::repeat(0).take(size);
        let last = &b"\x01"[..];
        Ok(match self.end {
            End::Right => Box::pin(zeros(self.size)),
            End::Wrong => Box::pin(zeros(self.size - 1).chain(last)),
            End::TooEarly => Box::pin(zeros(self.size - 1)),
            End::Never => Box::pin(zeros(self.size - 1).chain(Stalled)),
        })
    }
}

/// A reader that never returns a byte.
struct Stalled;

impl AsyncRead for Stalled {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Poll::Pending
    }
}

/// The number of unfinished multipart uploads, from ministack.
fn unfinished(server: &S3Server) -> usize {
    let answer = server.request("GET", &format!("/{BUCKET}?uploads"), "");
    assert!(answer.contains("ListMultipartUploadsResult"), "{answer}");
    answer.matches("<UploadId>").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_bytes_of_a_large_object_are_not_put_into_place() {
    let site = Site::new(S3Server::ministack);
    let store = site.builder().part_size(5 << 20).build().await.unwrap();
    put(&store, "blobs/there", "the old bytes").await;
    for end in [End::Wrong, End::TooEarly] {
        for place in ["blobs/new", "blobs/there"] {
            let uploads = vec![Stream::upload(place, 12_000_000, end)];
            let error = store.send(uploads, &Context::new()).await.unwrap_err();
            assert!(matches!(error, Error::DigestMismatch { .. }), "{error:?}");
        }
        assert_eq!(get(&store, "blobs/new").await, None);
        assert_eq!(get(&store, "blobs/there").await.unwrap(), "the old bytes");
        assert_eq!(unfinished(&site.server), 0);
    }
    let uploads = vec![Stream::upload("blobs/new", 12_000_000, End::Right)];
    store.send(uploads, &Context::new()).await.unwrap();
    assert!(get(&store, "blobs/new").await.unwrap() == vec![0; 12_000_000]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cancelled_or_dropped_leaves_no_upload() {
    let site = Site::new(S3Server::ministack);
    let store = site.builder().part_size(5 << 20).build().await.unwrap();
    let stalled = || vec![Stream::upload("blobs/stalled", 12_000_000, End::Never)];
    let token = CancellationToken::new();
    let context = Context::new().with_cancellation(token.clone());
    let sending = {
        let store = store.clone();
        tokio::spawn(async move { store.send(stalled(), &context).await })
    };
    until("that number of uploads", || unfinished(&site.server) == 1).await;
    token.cancel();
    let cancelled = soon(sending).await.unwrap();
    assert!(matches!(cancelled, Err(Error::Cancelled)), "{cancelled:?}");
    assert_eq!(unfinished(&site.server), 0, "the upload was not aborted when the call returned");

    let sending = {
        let store = store.clone();
        tokio::spawn(async move { store.send(stalled(), &Context::new()).await })
    };
    until("that number of uploads", || unfinished(&site.server) == 1).await;
    sending.abort();
    until("that number of uploads", || unfinished(&site.server) == 0).await;

    // One failed object stops the others.
    let uploads = [stalled(), vec![Stream::upload("blobs/wrong", 9_000_000, End::Wrong)]];
    let context = Context::new();
    let failed = store.send(uploads.into_iter().flatten().collect(), &context);
    let error = soon(failed).await.unwrap_err();
    assert!(matches!(error, Error::DigestMismatch { .. }), "{error:?}");
    assert_eq!(unfinished(&site.server), 0);
    // The future may be dropped at any moment.
    for delay in (0..40).map(|n| Duration::from_micros(n * 400)) {
        let uploads = vec![Stream::upload("blobs/dropped", 12_000_000, End::Right)];
        let _ = tokio::time::timeout(delay, store.send(uploads, &Context::new())).await;
    }
    until("that number of uploads", || unfinished(&site.server) == 0).await;
}

/// Names the server for a process that this test starts and kills.
const INSIDE: &str = "NETBOOT_TEST_S3_INSIDE";

fn inside(test: &str, site: &Site) -> TestProcess {
    TestProcess::new(&format!("s3_uploads::{test}")).env(INSIDE, site.server.endpoint())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_publisher_left_is_cleaned_up() {
    if let Ok(endpoint) = std::env::var(INSIDE) {
        let uploads = vec![Stream::upload("blobs/left", 20_000_000, End::Never)];
        builder_at(endpoint).build().await.unwrap().send(uploads, &Context::new()).await.unwrap();
    }
    for start in [S3Server::ministack, S3Server::nanio] {
        let site = Site::new(start);
        let begun = || {
            let directory = site.server.directory().join("data/.nanio/multipart");
            match std::fs::read_dir(directory) {
                Ok(entries) => entries.count(),
                Err(_) => unfinished(&site.server),
            }
        };
        let mut killed = inside("what_a_killed_publisher_left_is_cleaned_up", &site)
            .command()
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        until("one upload", || begun() == 1).await;
        killed.kill().unwrap();
        killed.wait().unwrap();
        let store = site.builder().build().await.unwrap();
        let elsewhere = store.with_prefix(Some(&path("elsewhere")));
        let abort = async |store: &S3Store, age| {
            store.abort_abandoned_uploads(age, &Context::new()).await.unwrap()
        };
        assert_eq!(
            abort(&store, Duration::from_secs(3600)).await,
            0,
            "a running upload was aborted"
        );
        assert_eq!(
            abort(&elsewhere, Duration::ZERO).await,
            0,
            "an upload of another target was aborted"
        );
        assert_eq!(begun(), 1);
        assert_eq!(abort(&store, Duration::ZERO).await, 1);
        assert_eq!(begun(), 0);
        assert_eq!(abort(&store, Duration::ZERO).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_stays_below_64_mib_whatever_is_sent() {
    const MIB: u64 = 1024 * 1024;
    if let Ok(endpoint) = std::env::var(INSIDE) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("initrd");
        std::fs::File::create(&file).unwrap().set_len(300 * MIB).unwrap();
        let (kind, name) = (ArtifactKind::Initrd, FileName::new("initrd").unwrap());
        let file = FileArtifact::open(kind, name, &file, &Context::new()).await.unwrap();
        let mut uploads = vec![
            Upload::new(path("blobs/file"), file),
            Stream::upload("blobs/stream", 100 * MIB, End::Right),
            Stream::upload("blobs/whole", 8 * MIB, End::Right),
        ];
        uploads.extend((0..200).map(|n| upload(&format!("releases/0/x/{n}"), format!("{n}"))));
        let store = builder_at(endpoint).build().await.unwrap();
        let peak = || peak_memory(std::process::id());
        let before = peak();
        store.send(uploads, &Context::new()).await.unwrap();
        println!("peak: {before} KiB before, {} KiB after", peak());
        assert!(peak() * 1024 < 64 * MIB, "{} KiB", peak());
        return;
    }
    let site = Site::new(S3Server::nanio);
    let test = "memory_stays_below_64_mib_whatever_is_sent";
    println!("{}", inside(test, &site).passes());
    let store = site.builder().build().await.unwrap();
    let there = store.stat(&[path("blobs/file"), path("blobs/stream")]).await.unwrap();
    assert_eq!(there[&path("blobs/file")].size(), Some(300 * MIB));
    assert_eq!(there[&path("blobs/stream")].size(), Some(100 * MIB));
}
