//! Targets with 10, 100 and 1,000 releases of 100 blobs each: the history, the list of releases,
//! verification by listing, pruning, and publishing one more.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use netboot_benches::{
    BUCKET, Case, Contender, Goal, ImageFiles, ImageSizes, Place, Row, RunCounter, Wire, Work,
    apart, contest, is_test, publish, release_in_memory,
};
use netboot_core::{Artifact, ArtifactKind, BytesArtifact, Context, FileName, ReleasePath, layout};
use netboot_publish::{ListScope, MemoryStore, Publisher, Store, Upload};
use netboot_testbed::{Registry, RegistryAccess, RsyncDaemon, RsyncModule, S3Server, tool};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::registry_files::RegistryFiles;

/// The address of another S3 server, with the bucket and the keys of the benchmarks. Without it,
/// the S3 server is one of the testbed.
const OTHER_SERVER: &str = "NETBOOT_BENCH_S3";

/// The number of objects that are sent to a server between two lines of progress.
const AT_ONCE: usize = 10_000;

/// The numbers of releases.
fn counts() -> &'static [usize] {
    if is_test() { &[2, 4] } else { &[10, 100, 1000] }
}

/// A target, and how to fill it and count what it is asked.
struct Site<'a> {
    name: &'static str,
    place: &'a dyn Fn(SocketAddr) -> Place,
    wire: Option<Wire>,
    counter: Option<&'a RunCounter>,
    filling: Filling<'a>,
}

/// The way to give a target many releases.
enum Filling<'a> {
    /// The target consists of this directory. Files are written there, which is faster than to send
    /// them.
    Writing(&'a Path),
    /// The files are sent to the store in large batches.
    Sending,
    /// The registry keeps everything in these files, and an artifact for each release is written
    /// there.
    Registry(&'a RegistryFiles),
}

/// A directory of this machine, and what each question takes.
pub(crate) fn local_rows() -> Vec<Row> {
    let root = TempDir::new().unwrap();
    let directory = root.path().join("target");
    let place = |_| Place::Local { directory: directory.clone() };
    let filling = Filling::Writing(&directory);
    rows(&Site { name: "growth, local", place: &place, wire: None, counter: None, filling })
}

/// A directory behind an rsync daemon, and what each question takes.
pub(crate) fn rsync_rows() -> Vec<Row> {
    let root = TempDir::new().unwrap();
    let published = root.path().join("published");
    fs::create_dir(&published).unwrap();
    let module = RsyncModule::new("pub", &published);
    let daemon = RsyncDaemon::start(&root.path().join("daemon"), &[module]);
    let counter = RunCounter::new(root.path(), &tool("rsync"));
    let place = |address: SocketAddr| Place::RsyncDaemon {
        port: address.port(),
        path: "netboot".to_owned(),
        program: Some(counter.program().to_owned()),
    };
    let wire = Some(Wire::stream(([127, 0, 0, 1], daemon.port()).into()));
    let directory = published.join("netboot");
    let (counter, filling) = (Some(&counter), Filling::Writing(&directory));
    rows(&Site { name: "growth, rsync", place: &place, wire, counter, filling })
}

/// An S3 server, and what each question takes.
pub(crate) fn s3_rows() -> Vec<Row> {
    let directory = TempDir::new().unwrap();
    let prefix = format!("growth-{}", std::process::id());
    let place = |address| Place::S3 { address, prefix: prefix.clone() };
    let of_server = |address| {
        let wire = Some(Wire::http(address));
        let filling = Filling::Sending;
        rows(&Site { name: "growth, S3", place: &place, wire, counter: None, filling })
    };
    if let Ok(address) = std::env::var(OTHER_SERVER) {
        return of_server(address.parse().unwrap());
    }
    // The servers in Python take minutes for 100,000 objects, and list them as slowly.
    let server = S3Server::seaweedfs(directory.path());
    server.create_bucket(BUCKET);
    of_server(server.address())
}

/// A registry, and what each question takes.
pub(crate) fn oci_rows() -> Vec<Row> {
    let directory = TempDir::new().unwrap();
    let registry = Registry::start(directory.path(), &RegistryAccess::Anyone);
    let place = |address| Place::Oci { address, repository: "netboot".to_owned() };
    let wire = Some(Wire::http(registry.address().parse().unwrap()));
    let files = RegistryFiles::new(directory.path(), "netboot");
    let filling = Filling::Registry(&files);
    rows(&Site { name: "growth, OCI", place: &place, wire, counter: None, filling })
}

fn rows(site: &Site<'_>) -> Vec<Row> {
    let (runtime, directory) = (Runtime::new().unwrap(), TempDir::new().unwrap());
    let one_more = directory.path().join("image");
    let blobs = if is_test() { 3 } else { 100 };
    let sizes = ImageSizes { kernel_megabytes: 1, initrd_megabytes: 1, blobs, blob_kilobytes: 1 };
    let image = RefCell::new(ImageFiles::new(&one_more, sizes));
    let mut content = Content::default();
    let (mut rows, mut flat) = (Vec::new(), BTreeMap::new());
    for count in counts() {
        let begin = Instant::now();
        runtime.block_on(content.fill(site, *count, usize::try_from(blobs).unwrap()));
        eprintln!("{}: {count} releases are there after {:.1?}", site.name, begin.elapsed());
        for (what, work, limit) in [
            ("history", Some(Work::History), Some(2)),
            ("list", Some(Work::Overview), Some(2)),
            ("verify", Some(Work::Verify), None),
            ("prune, dry", Some(Work::PruneDry), Some(5)),
            ("publish unchanged", Some(Work::Publish { directory: one_more.clone() }), None),
            ("publish, one file changed", None, None),
        ] {
            let is_publish = what.starts_with("publish");
            if is_publish {
                // The first publication is not measured, so its runs are not counted.
                publish(&(site.place)(site.address()), &one_more);
                site.counter.map(RunCounter::take);
            }
            let name = format!("{what}, {count} releases of {blobs} blobs");
            eprintln!("{}: {name}", site.name);
            let (image, work) = (&image, &work);
            let mut us = Contender::new("netboot", move |address| {
                let place = (site.place)(address);
                if let Some(work) = work {
                    return apart(&place, work.clone()).hashed_before();
                }
                let mut image = image.borrow_mut();
                image.change();
                publish(&place, image.directory()).hashed_before()
            });
            us = us.goal(Goal::Peak(64));
            if let Some(limit) = limit {
                us = us.goal(Goal::Wall(Duration::from_secs(limit)));
            }
            if let Some(counter) = site.counter {
                us = us.trips(|| counter.take());
            }
            let rounds = if is_test() { 1 } else { 3 };
            let case = Case { place: site.name, name: &name, rounds, wire: site.wire.as_ref() };
            let mut measured = contest(case, vec![us]);
            for row in &mut measured {
                if let (true, Some(trips)) = (is_publish, row.ours.trips) {
                    let few = *flat.entry(what).or_insert(trips);
                    row.goals.push(Goal::Trips(few));
                }
            }
            rows.extend(measured);
        }
    }
    rows
}

impl Site<'_> {
    /// The address of the server, or a meaningless one.
    fn address(&self) -> SocketAddr {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        self.wire.as_ref().map_or(nowhere, Wire::server)
    }
}

/// The files of releases that were published in memory.
#[derive(Default)]
struct Content {
    memory: MemoryStore,
    releases: usize,
    /// The number of summaries of a registry.
    summaries: usize,
    /// The files that the target has and that never change.
    sent: BTreeSet<ReleasePath>,
}

impl Content {
    /// Gives the target releases until there are `count` of them.
    async fn fill(&mut self, site: &Site<'_>, count: usize, blobs: usize) {
        let publisher = Publisher::new(self.memory.clone());
        while self.releases < count {
            let release = release_in_memory(self.releases, blobs);
            publisher.publish(&release, &Context::new()).await.unwrap();
            if let Filling::Registry(files) = site.filling {
                files.write(self.releases, &release, &self.memory).await;
            }
            self.releases += 1;
        }
        self.copy(site).await;
    }

    /// Copies to a target what it lacks, and what changes.
    async fn copy(&mut self, site: &Site<'_>) {
        let mut paths: Vec<ReleasePath> = Vec::new();
        let of_releases = [layout::blobs(), layout::releases()].map(ListScope::Below);
        let others = [ListScope::Below("worker".parse().unwrap()), ListScope::Root];
        // The artifacts of releases have their files.
        let of_releases = match site.filling {
            Filling::Registry(_) => Vec::new(),
            Filling::Writing(_) | Filling::Sending => of_releases.to_vec(),
        };
        for scope in of_releases.into_iter().chain(others) {
            let listed = self.memory.list(&scope).await.unwrap();
            paths.extend(listed.iter().map(|listed| listed.path.parse::<ReleasePath>().unwrap()));
        }
        paths.retain(|path| !self.sent.contains(path));
        if let Filling::Writing(directory) = site.filling {
            for path in &paths {
                let place: PathBuf = directory.join(path.as_str());
                fs::create_dir_all(place.parent().unwrap()).unwrap();
                fs::write(place, self.memory.read(path).await.unwrap().unwrap().bytes).unwrap();
            }
        } else {
            let publisher = (site.place)(site.address()).publisher().await;
            for (number, paths) in paths.chunks(AT_ONCE).enumerate() {
                self.send(paths, publisher.store().as_ref()).await;
                eprintln!("{}: {} objects sent", site.name, number * AT_ONCE + paths.len());
            }
            if let Filling::Registry(_) = site.filling {
                // The publishers of the releases would have summarised 32 parts at a time.
                for number in self.summaries..self.releases / 32 {
                    let path: ReleasePath = format!("blobs/{number}").parse().unwrap();
                    let object = file(&path, vec![0]);
                    publisher.store().send(vec![object], &Context::new()).await.unwrap();
                    self.summaries += 1;
                }
            }
        }
        let never_changes = |path: &ReleasePath| {
            ["blobs/", "releases/"].iter().any(|area| path.as_str().starts_with(area))
        };
        self.sent.extend(paths.into_iter().filter(never_changes));
    }

    async fn send(&self, paths: &[ReleasePath], to: &dyn Store) {
        let mut uploads = Vec::new();
        for path in paths {
            let document = self.memory.read(path).await.unwrap().unwrap();
            uploads.push(file(path, document.bytes.to_vec()));
        }
        to.send(uploads, &Context::new()).await.unwrap();
    }
}

fn file(path: &ReleasePath, bytes: Vec<u8>) -> Upload {
    let name = FileName::new("file").unwrap();
    let file = BytesArtifact::new(ArtifactKind::Script, name, bytes).unwrap();
    Upload::new(path.clone(), Arc::new(file) as Arc<dyn Artifact>)
}
