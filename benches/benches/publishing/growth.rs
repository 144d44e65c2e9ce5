//! Targets with 10, 100 and 1,000 releases of 100 blobs each: the history, the list of releases,
//! verification by listing, pruning, and publishing one more.

use std::time::Duration;

use netboot_benches::{
    BUCKET, Case, Contender, Goal, ImageFiles, ImageSizes, Place, Row, Work, apart, contest,
    is_test, release_in_memory,
};
use netboot_core::{Artifact, ArtifactKind, BytesArtifact, Context, FileName, ReleasePath, layout};
use netboot_publish::{ListScope, MemoryStore, Publisher, Store, Upload};
use netboot_testbed::S3Server;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The address of another S3 server, with the bucket and the keys of the benchmarks. Without it,
/// the S3 server is one of the testbed.
const OTHER_SERVER: &str = "NETBOOT_BENCH_S3";

/// The numbers of releases.
fn counts() -> &'static [usize] {
    if is_test() { &[2, 4] } else { &[10, 100, 1000] }
}

/// A directory of this machine, and what each question takes.
pub(crate) fn local_rows() -> Vec<Row> {
    let directory = TempDir::new().unwrap();
    let place = Place::Local { directory: directory.path().join("target") };
    rows("growth, local", &place)
}

/// An S3 server, and what each question takes.
pub(crate) fn s3_rows() -> Vec<Row> {
    let directory = TempDir::new().unwrap();
    let prefix = format!("growth-{}", std::process::id());
    if let Ok(address) = std::env::var(OTHER_SERVER) {
        return rows("growth, S3", &Place::S3 { address: address.parse().unwrap(), prefix });
    }
    let server = S3Server::ministack(directory.path());
    server.create_bucket(BUCKET);
    rows("growth, S3", &Place::S3 { address: server.address(), prefix })
}

fn rows(name: &'static str, place: &Place) -> Vec<Row> {
    let runtime = Runtime::new().unwrap();
    let (memory, directory) = (MemoryStore::new(), TempDir::new().unwrap());
    let one_more = directory.path().join("image");
    let sizes = ImageSizes {
        kernel_megabytes: 1,
        initrd_megabytes: 1,
        blobs: if is_test() { 3 } else { 100 },
        blob_kilobytes: 1,
    };
    let _ = ImageFiles::new(&one_more, sizes);
    let (mut releases, mut rows) = (0, Vec::new());
    for count in counts() {
        runtime.block_on(async {
            let publisher = Publisher::new(memory.clone());
            while releases < *count {
                let blobs = usize::try_from(sizes.blobs).unwrap();
                let release = release_in_memory(releases, blobs);
                publisher.publish(&release, &Context::new()).await.unwrap();
                releases += 1;
            }
            copy(&memory, place.publisher().await.store().as_ref()).await;
        });
        for (what, work, goal) in [
            ("history", Work::History, 2),
            ("list", Work::Overview, 2),
            ("verify", Work::Verify, 5),
            ("prune", Work::PruneDry, 5),
            ("publish unchanged", Work::Publish { directory: one_more.clone() }, 2),
        ] {
            let what = format!("{what}, {count} releases of 100 blobs");
            let us = Contender::new("netboot", |_| apart(place, work.clone()).run)
                .goal(Goal::Wall(Duration::from_secs(goal)))
                .goal(Goal::Peak(64));
            let rounds = if is_test() { 1 } else { 3 };
            let case = Case { place: name, name: &what, rounds, wire: None };
            rows.extend(contest(case, vec![us]));
        }
    }
    rows
}

/// Copies what another store lacks, and what changes.
async fn copy(from: &MemoryStore, to: &dyn Store) {
    let mut paths: Vec<ReleasePath> = Vec::new();
    for scope in [
        ListScope::Below(layout::blobs()),
        ListScope::Below(layout::releases()),
        ListScope::Below("worker".parse().unwrap()),
        ListScope::Root,
    ] {
        let listed = from.list(&scope).await.unwrap();
        paths.extend(listed.iter().map(|listed| listed.path.parse::<ReleasePath>().unwrap()));
    }
    let there = to.stat(&paths).await.unwrap();
    paths.retain(|path| !(path.as_str().contains('/') && there.contains_key(path)));
    for paths in paths.chunks(5000) {
        let mut uploads = Vec::new();
        for path in paths {
            let bytes = from.read(path).await.unwrap().unwrap().bytes;
            let name = FileName::new("file").unwrap();
            let file = BytesArtifact::new(ArtifactKind::Script, name, bytes).unwrap();
            let file: std::sync::Arc<dyn Artifact> = std::sync::Arc::new(file);
            uploads.push(Upload::new(path.clone(), file));
        }
        to.send(uploads, &Context::new()).await.unwrap();
    }
}
