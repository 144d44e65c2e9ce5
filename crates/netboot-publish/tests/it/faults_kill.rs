//! A publisher that is killed at any moment leaves a whole release live, and the next publisher
//! completes its work.
//!
//! `NETBOOT_KILLS` sets the number of kills for each kind of target. The default is a sample, and
//! with `NETBOOT_LONG_TESTS` more than 200 together with `kill.rs`, which kills a publisher to a
//! directory.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use netboot_core::{Context, Release};
use netboot_publish::{Outcome, Publisher, Retention, VerifyDepth, VerifyScope};
use netboot_testbed::{FaultProxy, HttpFault, Moment, StreamFault, TestProcess};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::faults::{Kind, Place, Reader, Target, count_from, processes_of};
use crate::patience::PATIENCE;
use crate::site;

const GENERATION: &str = "NETBOOT_TEST_GENERATION";
const SOURCES: &str = "NETBOOT_TEST_SOURCES";

/// Publishes one generation. The other tests run this test in processes that they kill.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_publishes() {
    let own = TempDir::new().unwrap();
    let place = Place::from_environment().unwrap_or_else(|| {
        let target = Target::start(Kind::Local);
        Place { directory: own.path().to_owned(), ..target.place("site") }
    });
    let generation = std::env::var(GENERATION).unwrap_or_else(|_| "own".to_owned());
    let sources = std::env::var_os(SOURCES).map_or_else(|| own.path().to_owned(), PathBuf::from);
    let release = release(place.kind, &sources, &generation).await;
    let publisher = Publisher::from(place.store().await);
    let receipt = publisher.publish(&release, &Context::new()).await.unwrap();
    assert_eq!(receipt.outcome, Outcome::Activated);
    assert_eq!(Reader::of(&place).await.boot().await.0, *release.id());
}

/// The size of an initrd that goes to S3 in two parts and to rsync in many chunks.
async fn release(kind: Kind, sources: &Path, generation: &str) -> Release {
    let initrd = if kind.is_s3() { 6_000_000 } else { 150_000 };
    site::release_of_sizes(sources, generation, 150_000, initrd).await
}

/// Counts moments, and kills a process at one of them.
struct Killer {
    process: AtomicI32,
    moments: AtomicUsize,
    at: usize,
}

impl Killer {
    fn new(at: usize) -> Arc<Self> {
        Arc::new(Self { process: 0.into(), moments: 0.into(), at })
    }

    /// Returns true at the chosen moment. The process is then dead or dying.
    fn moment(&self) -> bool {
        if self.moments.fetch_add(1, Ordering::SeqCst) != self.at {
            return false;
        }
        loop {
            if let Some(process) = Pid::from_raw(self.process.load(Ordering::SeqCst)) {
                kill_process(process, Signal::KILL).unwrap();
                return true;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// A proxy that counts moments. For S3, they are the arrival of each request, of half of its body,
/// and of its answer. For others, each chunk of bytes in either direction is one.
fn proxy(target: &Target, kind: Kind, killer: &Arc<Killer>) -> FaultProxy {
    let killer = killer.clone();
    if kind.is_s3() {
        return FaultProxy::http(target.address(), move |request, moment| {
            if killer.moment() && moment == Moment::Asked && request.number % 2 == 0 {
                return HttpFault::Cut { after: 0 };
            }
            // A process that is killed while it sends does not send the rest.
            if moment == Moment::Asked && request.length > 1 && killer.moment() {
                return HttpFault::Cut { after: request.length / 2 };
            }
            HttpFault::None
        });
    }
    FaultProxy::stream(target.address(), move |_| {
        killer.moment();
        StreamFault::None
    })
}

/// The way the processes to kill ended.
#[derive(Debug, Default)]
struct Counts {
    published: usize,
    killed: usize,
    old: usize,
    new: usize,
    longest_orphan: Duration,
}

async fn check(kind: Kind, kills: usize) {
    let target = Target::start(kind);
    let sources = target.sources();
    let direct = target.place("site");
    let publisher = Publisher::from(direct.store().await);
    let mut live = release(kind, &sources, "first").await;
    publisher.publish(&live, &Context::new()).await.unwrap();
    let reader = target.reader("site").await;

    // The directory for the files of killed publishers and of the programs that they start.
    let temporary = target.temporary().join("killed");
    fs::create_dir(&temporary).unwrap();
    let run = async |generation: &str, killer: &Arc<Killer>| {
        let proxy = proxy(&target, kind, killer);
        let place = target.place_behind(&proxy, "site");
        let place = Place { temporary: temporary.clone(), ..place };
        let (variable, place) = place.environment();
        let mut child = TestProcess::new("faults_kill::a_process_publishes").command();
        child.env(variable, place).env(GENERATION, generation).env(SOURCES, &sources);
        child.env("TMPDIR", &temporary);
        child.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let child = child.spawn().unwrap();
        killer.process.store(child.id().cast_signed(), Ordering::SeqCst);
        let output = tokio::task::spawn_blocking(move || child.wait_with_output());
        (output.await.unwrap().unwrap(), proxy)
    };
    // Count the moments of a publisher that is not killed.
    let counting = Killer::new(usize::MAX);
    let second = release(kind, &sources, "second").await;
    let (output, _proxy) = run("second", &counting).await;
    assert!(output.status.success(), "{output:?}");
    let mut moments = counting.moments.load(Ordering::SeqCst);
    assert_eq!(reader.boot().await.0, *second.id());
    live = second;

    let (mut counts, begun) = (Counts::default(), Instant::now());
    while counts.killed < kills {
        let generation = format!("generation-{}", counts.published);
        let next = release(kind, &sources, &generation).await;
        let killer = Killer::new(counts.killed * (moments - 1) / (kills - 1).max(1));
        let (output, proxy) = run(&generation, &killer).await;
        counts.published += 1;
        if output.status.signal() == Some(9) {
            counts.killed += 1;
        } else {
            assert!(output.status.success(), "{output:?}");
            // The bytes came in fewer chunks than before, so the publisher ended before the moment.
            moments = killer.moments.load(Ordering::SeqCst).min(moments - 1);
            assert!(counts.published < 4 * kills, "too few were killed: {counts:?}");
        }
        // The programs that it started end by themselves. No file is damaged meanwhile.
        let since = Instant::now();
        loop {
            let (seen, _) = reader.boot().await;
            assert!([live.id(), next.id()].contains(&&seen), "{seen} is live");
            let left = processes_of(&temporary);
            if left.is_empty() {
                break;
            }
            assert!(since.elapsed() < PATIENCE, "{left:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        counts.longest_orphan = counts.longest_orphan.max(since.elapsed());
        drop(proxy);
        let (seen, _) = reader.boot().await;
        if seen == *next.id() {
            counts.new += 1;
        } else {
            counts.old += 1;
        }
        target.end_lease("site");
        complete(&publisher, &next, &live).await;
        assert_eq!(reader.boot().await.0, *next.id());
        live = next;
    }
    println!(
        "{kind:?}: {} of {} publishers killed at {moments} moments; the old release was live {} \
         times, the new one {} times; what they had started ended within {:.1?}; {:.1?} in all",
        counts.killed,
        counts.published,
        counts.old,
        counts.new,
        counts.longest_orphan,
        begun.elapsed()
    );
    assert!(counts.old >= kills / 4, "the kills were not spread over the publish: {counts:?}");
}

/// The next publisher completes the work of the killed one, and no leftovers stay.
async fn complete(publisher: &Publisher, next: &Release, before: &Release) {
    let context = Context::new();
    let receipt = publisher.publish(next, &context).await.unwrap();
    assert_eq!(receipt.release, *next.id());
    let history = publisher.history().await.unwrap();
    let newest: Vec<_> = history.iter().map(|entry| entry.release).take(2).collect();
    assert_eq!(newest, [*next.id(), *before.id()]);
    let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
    let report = publisher.verify(scope, depth, &context).await.unwrap();
    assert!(report.is_clean(), "{report}");
    let retention = Retention::default().with_keep_last(1).with_grace(Duration::ZERO);
    publisher.prune(&retention, &context).await.unwrap();
}

fn kills(sample: usize, whole: usize) -> usize {
    count_from("NETBOOT_KILLS", sample, whole)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishers_to_ministack_are_killed() {
    check(Kind::Ministack, kills(8, 26)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishers_to_nanio_are_killed() {
    check(Kind::Nanio, kills(8, 26)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishers_to_a_daemon_are_killed() {
    check(Kind::Daemon, kills(8, 24)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishers_over_ssh_are_killed() {
    check(Kind::Ssh, kills(5, 6)).await;
}
