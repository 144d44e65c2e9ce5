//! The number of runs of `rsync` that a publication needs: each costs round trips, and over ssh a
//! session.

use std::fs;
use std::path::{Path, PathBuf};

use netboot_core::{Context, Release};
use netboot_publish::{
    ActivationKind, Outcome, Publisher, RollbackTo, RsyncStore, RsyncStoreBuilder, VerifyDepth,
    VerifyScope,
};
use tempfile::TempDir;

use crate::patience::at_best;
use crate::rsync::{DaemonSite, SshSite, restricted};
use crate::site;

/// The maximum number of runs for a publication.
const MOST: usize = 6;

/// A program in place of `rsync` that notes each run and then runs it. A question for the version
/// of `rsync` is no run to the target.
struct Counter {
    program: PathBuf,
    log: PathBuf,
}

impl Counter {
    fn new(directory: &Path) -> Self {
        let (program, log) = (directory.join("counted-rsync"), directory.join("runs"));
        let rsync = netboot_testbed::tool("rsync");
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] || echo \"$*\" >> '{}'\nexec '{}' \"$@\"\n",
            log.display(),
            rsync.display(),
        );
        netboot_testbed::write_program(&program, &script);
        Self { program, log }
    }

    /// The runs since the last call.
    fn take(&self) -> Vec<String> {
        let runs = fs::read_to_string(&self.log).unwrap_or_default();
        let _ = fs::remove_file(&self.log);
        runs.lines().map(str::to_owned).collect()
    }
}

/// A release with a kernel that is larger than the documents that come with a look.
async fn release(directory: &Path, generation: &str) -> Release {
    site::release_of_sizes(directory, generation, 9_000_000, 300_000).await
}

/// Publishes through a new store each time, as a new process does. Returns the numbers of runs for
/// an empty target, for the live release, and for another release.
async fn count(builder: impl Fn() -> RsyncStoreBuilder, root: &Path) -> [usize; 3] {
    let work = TempDir::new().unwrap();
    let counter = Counter::new(work.path());
    let store = || builder().rsync_program(&counter.program).build().unwrap();
    let context = Context::new();
    let (one, two) = (release(work.path(), "one").await, release(work.path(), "two").await);
    let mut counts = Vec::new();
    for (release, outcome) in
        [(&one, Outcome::Activated), (&one, Outcome::Unchanged), (&two, Outcome::Activated)]
    {
        let receipt = Publisher::new(store()).publish(release, &context).await.unwrap();
        assert_eq!(receipt.outcome, outcome);
        if outcome == Outcome::Activated {
            assert_eq!(site::boot(root), *release.id());
        }
        let runs = counter.take();
        println!("{outcome:?}: {} runs\n{}", runs.len(), runs.join("\n"));
        counts.push(runs.len());
    }
    check(&store(), root).await;
    counts.try_into().unwrap()
}

/// Tells whether no number of runs is above its limit.
fn is_few(limits: [usize; 3]) -> impl Fn(&[usize; 3]) -> bool {
    move |counts| counts.iter().zip(limits).all(|(count, limit)| *count <= limit)
}

/// Nothing of the two publications is missing or left over.
async fn check(store: &RsyncStore, root: &Path) {
    let left: Vec<_> = walkdir::WalkDir::new(root)
        .into_iter()
        .flatten()
        .filter(|entry| {
            let name = entry.file_name().to_string_lossy();
            entry.file_type().is_file() && (name == "incomplete.json" || name.starts_with('.'))
        })
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let publisher = Publisher::new(store.clone());
    let (scope, context) = (VerifyScope::Everything, Context::new());
    let report = publisher.verify(scope, VerifyDepth::Content, &context).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    let history = publisher.history().await.unwrap();
    assert!(history.iter().all(|entry| entry.whole && entry.kind == ActivationKind::Activated));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publication_to_a_daemon_takes_few_runs() {
    let publish = async || {
        let site = DaemonSite::new();
        count(|| site.builder(""), &site.published()).await
    };
    at_best(publish, is_few([MOST, 1, MOST])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publication_over_ssh_takes_few_runs() {
    let publish = async || {
        let site = SshSite::new();
        count(|| site.builder(&site.published()), &site.published()).await
    };
    at_best(publish, is_few([MOST, 1, MOST])).await;
}

/// The module has another file under the name of each one of the target.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publication_below_a_module_takes_few_runs() {
    let publish = async || {
        let site = DaemonSite::new();
        for path in ["current.ipxe", "boot.ipxe", "worker/netboot.ipxe"] {
            let place = site.published().join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, "the file of another target").unwrap();
        }
        let root = site.published().join("site");
        count(|| site.builder("site"), &root).await
    };
    at_best(publish, is_few([MOST, 1, MOST])).await;
}

/// An account that may only write answers a question with two runs: one compares bytes, the other
/// one sizes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publication_by_an_account_that_may_only_write_takes_few_runs() {
    let publish = async || {
        let site = SshSite::new();
        let options = restricted(&format!("-wo -no-lock {}", site.published().display()));
        let identity = site.server.authorize("publisher", &options);
        let record = site.work.path().join("record");
        let builder = || {
            RsyncStore::builder(site.target("/"))
                .identity_file(&identity)
                .host_key(&site.server.host_key())
                .write_only(&record)
        };
        count(builder, &site.published()).await
    };
    at_best(publish, is_few([8, 2, 8])).await;
}

/// Rolling back reads what the release needs, looks at all of it, replaces the pointer, and reads
/// it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_takes_few_runs() {
    let roll_back = async || {
        let (site, work) = (DaemonSite::new(), TempDir::new().unwrap());
        let counter = Counter::new(work.path());
        let store = site.builder("").rsync_program(&counter.program).build().unwrap();
        let (publisher, context) = (Publisher::new(store), Context::new());
        let first = release(work.path(), "one").await;
        publisher.publish(&first, &context).await.unwrap();
        publisher.publish(&release(work.path(), "two").await, &context).await.unwrap();
        counter.take();
        let receipt = publisher.rollback(RollbackTo::Previous, &context).await.unwrap();
        assert_eq!(receipt.release, *first.id());
        assert_eq!(site::boot(&site.published()), *first.id());
        counter.take()
    };
    at_best(roll_back, |runs| runs.len() <= MOST).await;
}
