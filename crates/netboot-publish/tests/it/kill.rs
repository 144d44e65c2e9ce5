//! A publisher that is killed at any step leaves a whole release live, and the next publisher
//! completes its work.

use std::collections::BTreeMap;
use std::fs;
use std::io::{IsTerminal, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use netboot_core::{Context, Release};
use netboot_publish::{LocalStore, Outcome, Publisher};
use netboot_testbed::{TestProcess, is_long};
use tempfile::TempDir;

use crate::site;

/// All system calls that may change the target, and those that open files.
const STEPS: &str = "openat,write,pwrite64,copy_file_range,sendfile,rename,renameat,renameat2,\
    link,linkat,symlink,symlinkat,mkdir,mkdirat,unlink,unlinkat,rmdir,fsync,fdatasync,ftruncate,\
    fchmod,chmod,fchmodat,utimensat,ioctl,flock";

/// The number of kills with `NETBOOT_LONG_TESTS`, spread evenly over all steps of the process.
const KILL_POINTS: usize = 122;

/// The number of kills in an ordinary run, spread in the same way.
const SAMPLED_KILL_POINTS: usize = 24;

/// The number of calls of each common kind that the publishing thread makes before it publishes.
/// strace counts the calls of each kind separately for each thread. This way the counts of the
/// publishing thread are higher than those of all others.
const CALLS_AHEAD: usize = 200;

const TARGET: &str = "NETBOOT_TEST_TARGET";
const SOURCES: &str = "NETBOOT_TEST_SOURCES";
const MARKER: &str = "here-the-publish-begins";

/// The size of a file that a stream reads in several chunks.
const SIZE: usize = 2_500_000;

fn publisher(root: &Path) -> Publisher {
    Publisher::new(LocalStore::new(root)).with_legacy_links(true)
}

/// Publishes the second release over the first. The other test runs this one in processes that it
/// kills.
#[test]
fn a_process_publishes_the_second_release() {
    // One thread makes all blocking calls, so that the test can count them.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let own = TempDir::new().unwrap();
    let directory = |variable, name| {
        std::env::var_os(variable).map_or_else(|| own.path().join(name), PathBuf::from)
    };
    let (target, sources) = (directory(TARGET, "target"), directory(SOURCES, "sources"));
    fs::create_dir_all(&sources).unwrap();
    runtime.block_on(async {
        let second = site::release(&sources, "second", SIZE).await;
        let prepared = target.exists();
        if !prepared {
            let first = site::release(&sources, "first", SIZE).await;
            publisher(&target).publish(&first, &Context::new()).await.unwrap();
        }
        let ahead = target.join(MARKER);
        tokio::task::spawn_blocking(move || {
            let mut null = fs::File::options().write(true).open("/dev/null").unwrap();
            for _ in 0..CALLS_AHEAD {
                assert!(fs::File::open(&ahead).is_err()); // openat
                null.write_all(b"ahead").unwrap(); // write
                assert!(!null.is_terminal()); // ioctl
                assert!(fs::create_dir("/").is_err()); // mkdir
                assert!(fs::remove_dir(&ahead).is_err()); // rmdir, the last
            }
        })
        .await
        .unwrap();
        let receipt = publisher(&target).publish(&second, &Context::new()).await.unwrap();
        assert_eq!(receipt.outcome, Outcome::Activated);
        assert_eq!(site::boot(&target), *second.id());
    });
}

/// Runs that test under strace with these options.
fn traced(options: &[String], target: &Path, sources: &Path) -> Output {
    let strace: Vec<&str> =
        ["strace", "-f", "-qq"].into_iter().chain(options.iter().map(String::as_str)).collect();
    TestProcess::behind(&strace, "kill::a_process_publishes_the_second_release")
        .command()
        .env(TARGET, target)
        .env(SOURCES, sources)
        // A killed process cannot remove its temporary files.
        .env("TMPDIR", sources)
        .output()
        .unwrap()
}

/// A step of a publish: the kind of call, and its number among the calls of that kind in its
/// thread.
#[derive(Debug)]
struct Step {
    call: String,
    number: usize,
}

/// The steps of a whole publish.
fn steps(target: &Path, sources: &Path, log: &Path) -> Vec<Step> {
    let options = ["-e", &format!("trace={STEPS}"), "-o", log.to_str().unwrap()].map(str::to_owned);
    let output = traced(&options, target, sources);
    assert!(output.status.success(), "{output:?}");
    let mut threads: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let log = fs::read_to_string(log).unwrap();
    // A call that another thread's call interrupted appears twice; `+++` and `---` are no calls.
    let calls =
        log.lines().filter_map(|line| line.split_once(' ')).map(|(id, call)| (id, call.trim()));
    for (thread, call) in calls.filter(|(_, call)| call.starts_with(char::is_alphabetic)) {
        threads.entry(thread).or_default().push(call);
    }
    let ahead = |call: &&str| call.starts_with("rmdir") && call.contains(MARKER);
    let (mut publishing, mut others) = (Vec::new(), BTreeMap::new());
    for calls in threads.into_values() {
        let begin = calls.iter().rposition(ahead).map_or(calls.len(), |position| position + 1);
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (position, call) in calls.iter().enumerate() {
            let call = call.split('(').next().unwrap();
            let number = counts.entry(call).or_default();
            *number += 1;
            if position >= begin {
                publishing.push(Step { call: call.to_owned(), number: *number });
            }
        }
        if begin == calls.len() {
            for (call, count) in counts {
                let most = others.entry(call).or_insert(0);
                *most = count.max(*most);
            }
        }
    }
    // A number that another thread reaches as well would kill at that thread's call.
    publishing.retain(|Step { call, number }| {
        others.get(call.as_str()).copied().unwrap_or_default() < *number
    });
    publishing
}

/// Copies a directory with its links and times.
fn copy(from: &Path, to: &Path) {
    site::run("cp", &["-a", from.to_str().unwrap(), to.to_str().unwrap()]);
}

async fn check_survivors(target: &Path, first: &Release, second: &Release) -> bool {
    let live = site::boot(target);
    assert!([first.id(), second.id()].contains(&&live), "{live} is live");
    let publisher = publisher(target);
    let receipt = publisher.publish(second, &Context::new()).await.unwrap();
    assert_eq!(receipt.outcome == Outcome::Unchanged, live == *second.id());
    assert_eq!(site::boot(target), *second.id());
    site::assert_clean(target).await;
    let history = publisher.history().await.unwrap();
    assert_eq!(history.len(), 2, "{history:?}");
    live == *second.id()
}

#[tokio::test]
async fn killed_at_any_step_a_publish_leaves_a_whole_release_live() {
    let work = TempDir::new().unwrap();
    let [sources, prepared] = ["sources", "prepared"].map(|name| work.path().join(name));
    fs::create_dir(&sources).unwrap();
    let first = site::release(&sources, "first", SIZE).await;
    let second = site::release(&sources, "second", SIZE).await;
    publisher(&prepared).publish(&first, &Context::new()).await.unwrap();

    let counted = work.path().join("counted");
    copy(&prepared, &counted);
    let steps = steps(&counted, &sources, &work.path().join("log"));
    assert!(steps.len() >= KILL_POINTS, "only {} steps were seen", steps.len());

    let points = if is_long() { KILL_POINTS } else { SAMPLED_KILL_POINTS };
    let (mut killed, mut old, mut new) = (0, 0, 0);
    for point in 0..points {
        let Step { call, number } = &steps[point * (steps.len() - 1) / (points - 1)];
        let target = work.path().join(format!("killed-{point}"));
        copy(&prepared, &target);
        let options = [
            "-o".to_owned(),
            "/dev/null".to_owned(),
            "-e".to_owned(),
            format!("trace={call}"),
            "-e".to_owned(),
            format!("inject={call}:signal=SIGKILL:when={number}"),
        ];
        let output = traced(&options, &target, &sources);
        if output.status.signal() == Some(9) {
            killed += 1;
        } else {
            assert!(output.status.success(), "{call} {number}: {output:?}");
        }
        if check_survivors(&target, &first, &second).await {
            new += 1;
        } else {
            old += 1;
        }
        fs::remove_dir_all(&target).unwrap();
    }
    println!(
        "{killed} kills over {} steps: the old release was live {old} times, the new one {new} times",
        steps.len()
    );
    assert!(killed * KILL_POINTS >= points * 100, "only {killed} of {points} runs were killed");
    assert!(
        old * KILL_POINTS >= points * 10 && new >= 1,
        "the kills were not spread over the publish: {old} {new}"
    );
}

/// Shows that strace, as used above, kills a process: one that is no publisher.
#[test]
fn strace_kills_at_a_step() {
    let status = Command::new("strace")
        .args(["-o", "/dev/null", "-e", "inject=openat:signal=SIGKILL:when=1", "true"])
        .status()
        .unwrap();
    assert_eq!(status.signal(), Some(9));
}
