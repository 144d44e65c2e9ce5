//! A caller that is killed by SIGKILL leaves no process behind: the guard ends them.

use std::env;
use std::future::pending;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::marker::{Marker, eventually};

const MARKER: &str = "NETBOOT_TEST_CALLER_MARKER";
const SCRIPT: &str = "NETBOOT_TEST_CALLER_SCRIPT";
const GRACE: &str = "NETBOOT_TEST_CALLER_GRACE";

/// Not a test by itself: other tests start this executable with the variables set, and kill it.
#[tokio::test]
async fn caller() {
    let (Ok(marker), Ok(script)) = (env::var(MARKER), env::var(SCRIPT)) else { return };
    let grace = Duration::from_secs(env::var(GRACE).unwrap().parse().unwrap());
    let command = Marker::of(&marker).shell(&script).grace(grace);
    command.run(pending()).await.unwrap();
}

/// Starts a process that runs `script` through the crate.
fn start_caller(marker: &Marker, script: &str, grace: u32) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "killed_caller::caller", "--nocapture"])
        .env(MARKER, marker.as_str())
        .env(SCRIPT, script)
        .env(GRACE, grace.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn kill(mut caller: Child) {
    caller.kill().unwrap();
    caller.wait().unwrap();
}

#[test]
fn a_program_is_asked_to_end_when_its_caller_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let (begun, asked) = (directory.path().join("begun"), directory.path().join("asked"));
    // A shell that says "Terminated" to a closed pipe is ended by that.
    let script = format!(
        "exec 2> /dev/null; trap 'touch {}; exit' TERM; setsid sleep 600 & touch {}; while :; do sleep 0.05; done",
        asked.display(),
        begun.display()
    );
    let marker = Marker::new();
    let caller = start_caller(&marker, &script, 3600);
    eventually("the start", || begun.exists() && marker.processes().len() >= 2);
    kill(caller);
    // The sleep has a session of its own.
    marker.wait_for_end();
    assert!(asked.exists());
}

#[test]
fn a_program_that_ignores_the_signal_is_killed_with_its_descendants() {
    let directory = tempfile::tempdir().unwrap();
    let begun = directory.path().join("begun");
    let script = format!(
        "trap '' TERM; setsid sh -c 'setsid sleep 600 & wait' & touch {}; \
         while :; do sleep 0.05; done",
        begun.display()
    );
    for grace in [0, 1] {
        let marker = Marker::new();
        let caller = start_caller(&marker, &script, grace);
        eventually("the start", || begun.exists() && marker.processes().len() >= 3);
        kill(caller);
        let killed = Instant::now();
        marker.wait_for_end();
        assert!(killed.elapsed() >= Duration::from_secs(grace.into()));
        std::fs::remove_file(&begun).unwrap();
    }
}

#[test]
fn the_guard_ends_with_its_program() {
    let marker = Marker::new();
    let mut caller = start_caller(&marker, "exec 2> /dev/null; sleep 0.1", 3600);
    let own_children = caller.id();
    assert!(caller.wait().unwrap().success());
    let parent = format!("\nPPid:\t{own_children}\n");
    eventually("the end of the guard", || {
        !std::fs::read_dir("/proc").unwrap().filter_map(Result::ok).any(|entry| {
            let status = std::fs::read_to_string(entry.path().join("status"));
            status.is_ok_and(|status| status.contains(&parent))
        })
    });
}
