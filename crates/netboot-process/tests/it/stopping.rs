//! Runs that are cancelled or dropped leave no process behind.

use std::future::{pending, ready};
use std::sync::Arc;
use std::time::{Duration, Instant};

use netboot_process::{Command, Error};
use tokio::sync::Notify;

use crate::marker::{LONG, Marker, PATIENCE, eventually};

/// A command that notifies when it has printed a line.
fn noticed(command: Command<'static>) -> (Command<'static>, Arc<Notify>) {
    let notify = Arc::new(Notify::new());
    let begun = notify.clone();
    (command.on_output_line(move |_| begun.notify_one()), notify)
}

/// Runs the script, cancels it after its first line, and returns how long it took to end.
async fn cancel(marker: &Marker, script: &str, grace: Duration) -> Duration {
    let (command, begun) = noticed(marker.shell(script).grace(grace));
    let mut cancelled_at = None;
    let cancelled = async {
        begun.notified().await;
        cancelled_at = Some(Instant::now());
    };
    let error = command.run(cancelled).await.unwrap_err();
    assert!(matches!(error, Error::Cancelled { .. }), "{error:?}");
    assert_eq!(error.to_string(), "`sh` was cancelled");
    cancelled_at.unwrap().elapsed()
}

#[tokio::test]
async fn a_cancelled_program_is_asked_to_end() {
    let marker = Marker::new();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("asked");
    let script = format!(
        "trap 'touch {}; exit 7' TERM; echo begun; while :; do sleep 0.05; done",
        file.display()
    );
    cancel(&marker, &script, LONG).await;
    assert!(file.exists());
    marker.wait_for_end();
}

#[tokio::test]
async fn a_program_that_ignores_the_signal_is_killed_after_the_grace_time() {
    let marker = Marker::new();
    let script = "trap '' TERM; echo begun; while :; do sleep 0.1; done";
    let took = cancel(&marker, script, Duration::from_millis(300)).await;
    assert!(took >= Duration::from_millis(300), "{took:?}");
    marker.wait_for_end();
}

#[tokio::test]
async fn without_grace_a_program_is_killed_at_once() {
    let marker = Marker::new();
    let script = "trap '' TERM; (setsid sleep 600 &) ; setsid sleep 601 & echo begun; \
                  while :; do sleep 0.1; done";
    cancel(&marker, script, Duration::ZERO).await;
    // The first sleep has lost its parent, so nothing tells that this run started it. Killed
    // processes end a moment later.
    eventually("the end of all others", || {
        let left = marker.processes();
        left.len() <= 1 && left.iter().all(|process| process == "sleep 600 ")
    });
    end_orphans(&marker);
}

/// Ends what a test left behind on purpose.
fn end_orphans(marker: &Marker) {
    for entry in std::fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if String::from_utf8_lossy(&environment).contains(marker.as_str()) {
            let number = entry.file_name().to_string_lossy().parse().unwrap();
            let process = rustix::process::Pid::from_raw(number).unwrap();
            let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        }
    }
    marker.wait_for_end();
}

#[tokio::test]
async fn grandchildren_in_their_own_sessions_are_ended() {
    // The shell ends by SIGTERM. Its child and grandchild are in groups of their own.
    let marker = Marker::new();
    let script = "setsid sh -c 'sleep 600 & echo begun; wait' & wait";
    cancel(&marker, script, LONG).await;
    marker.wait_for_end();

    // No process ends by SIGTERM.
    let marker = Marker::new();
    let script = "trap '' TERM; setsid sh -c 'setsid sleep 600 & echo begun; wait' & wait; sleep 9";
    cancel(&marker, script, Duration::from_millis(200)).await;
    marker.wait_for_end();
}

#[tokio::test]
async fn a_deaf_process_of_the_group_is_ended_after_its_leader() {
    let marker = Marker::new();
    // The child holds no pipe, so the run returns before the child is killed.
    let script = "(trap '' TERM; echo begun; exec sleep 600 > /dev/null 2>&1) & wait";
    let took = cancel(&marker, script, Duration::from_millis(500)).await;
    assert!(took < PATIENCE, "{took:?}");
    marker.wait_for_end();
}

#[tokio::test]
async fn a_program_that_fills_its_pipes_while_it_ends_can_end() {
    let marker = Marker::new();
    let script = "trap 'head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2; exit' TERM; \
                  echo begun; while :; do sleep 0.05; done";
    cancel(&marker, script, LONG).await;
    marker.wait_for_end();
}

#[tokio::test]
async fn lines_are_not_given_to_the_caller_after_the_cancellation() {
    let marker = Marker::new();
    let (mut lines, notify) = (Vec::new(), Arc::new(Notify::new()));
    let script = "trap 'echo late; echo late >&2; exit' TERM; echo begun; \
                  while :; do sleep 0.05; done";
    let command = marker.shell(script).grace(LONG).on_output_line(|line| {
        lines.push(line.to_owned());
        notify.notify_one();
    });
    command.run(notify.notified()).await.unwrap_err();
    assert_eq!(lines, ["begun"]);
}

#[tokio::test]
async fn a_run_that_is_cancelled_already_starts_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("started");
    let error = Command::new("touch").arg(&file).run(ready(())).await.unwrap_err();
    assert!(matches!(error, Error::Cancelled { .. }), "{error:?}");
    assert!(!file.exists());
}

#[tokio::test]
async fn a_dropped_run_ends_its_program() {
    let marker = Marker::new();
    // With this grace time, only the request to end can end the program in time.
    let script = "setsid sleep 600 & echo begun; wait";
    let (command, begun) = noticed(marker.shell(script).grace(LONG));
    let run = tokio::spawn(command.run(pending()));
    begun.notified().await;
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled());
    marker.wait_for_end();

    let marker = Marker::new();
    let script = "trap '' TERM; setsid sleep 600 & echo begun; while :; do sleep 0.1; done";
    let command = marker.shell(script).grace(Duration::from_millis(200));
    let (command, begun) = noticed(command);
    let run = tokio::spawn(command.run(pending()));
    begun.notified().await;
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled());
    marker.wait_for_end();
}

#[test]
fn a_runtime_that_ends_ends_the_programs_of_its_runs() {
    let marker = Marker::new();
    let (command, begun) = noticed(marker.shell("echo begun; sleep 600; sleep 601").grace(LONG));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.spawn(command.run(pending()));
    runtime.block_on(begun.notified());
    drop(runtime);
    marker.wait_for_end();
}

#[tokio::test]
async fn a_panic_of_the_caller_goes_on_and_ends_the_program() {
    let marker = Marker::new();
    let command = marker.shell("echo begun; sleep 600").grace(LONG);
    let command = command.on_output_line(|line| panic!("cannot take {line}"));
    let error = tokio::spawn(command.run(pending())).await.unwrap_err();
    assert_eq!(error.into_panic().downcast_ref::<String>().unwrap(), "cannot take begun",);
    marker.wait_for_end();
}
