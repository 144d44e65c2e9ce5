//! Programs that run beside their caller.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

use crate::marker::{LONG, Marker, eventually};

#[tokio::test]
async fn a_child_tells_its_end_and_its_last_lines() {
    let marker = Marker::new();
    let mut child = marker.shell("echo out; seq 30 >&2; exit 4").start().unwrap();
    assert!(child.id().is_some());
    let status = child.wait().await.unwrap();
    assert_eq!(status.code(), Some(4));
    assert_eq!(child.last_lines().iter().last(), Some("30"));
    assert_eq!(child.last_lines().len(), 20);
    // Waiting again gives the same answer.
    assert_eq!(child.wait().await.unwrap(), status);
    assert_eq!(child.try_wait().unwrap(), Some(status));
    assert_eq!(child.id(), None);
}

#[tokio::test]
async fn the_end_that_try_wait_saw_is_told_again_with_all_lines() {
    let marker = Marker::new();
    let mut child = marker.shell("echo sorry >&2; exit 4").start().unwrap();
    let mut status = None;
    eventually("the end", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.unwrap().code(), Some(4));
    assert_eq!(child.wait().await.unwrap().code(), Some(4));
    assert_eq!(child.last_lines().to_vec(), ["sorry"]);
}

#[tokio::test]
async fn a_conversation_needs_pipes_and_lines_need_none() {
    let marker = Marker::new();
    let (mut child, mut pipes) =
        marker.shell("read -r x; echo $x; cat").start_with_pipes().unwrap();
    pipes.input.write_all(b"hello\n").await.unwrap();
    let mut answer = [0; 6];
    pipes.output.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"hello\n");
    assert!(child.try_wait().unwrap().is_none());
    drop(pipes);
    assert!(child.wait().await.unwrap().success());

    let notify = Arc::new(Notify::new());
    let begun = notify.clone();
    let take = move |line: &str| {
        assert_eq!(line, "begun");
        begun.notify_one();
    };
    let child = marker.shell("echo begun; sleep 600").on_output_line(take).start().unwrap();
    notify.notified().await;
    child.terminate(LONG).await.unwrap();
    marker.wait_for_end();
}

#[tokio::test]
async fn terminate_asks_first_and_kills_after_the_grace_time() {
    let marker = Marker::new();
    let (child, mut pipes) = marker
        .shell("trap 'exit 5' TERM; echo b; while :; do sleep 0.05; done")
        .start_with_pipes()
        .unwrap();
    pipes.output.read_u8().await.unwrap();
    assert_eq!(child.terminate(LONG).await.unwrap().code(), Some(5));
    marker.wait_for_end();

    let deaf = "trap '' TERM; setsid sleep 600 & echo b; while :; do sleep 0.05; done";
    let (child, mut pipes) = marker.shell(deaf).start_with_pipes().unwrap();
    pipes.output.read_u8().await.unwrap();
    let started = Instant::now();
    assert_eq!(child.terminate(Duration::from_millis(200)).await.unwrap().code(), None);
    assert!(started.elapsed() >= Duration::from_millis(200));
    marker.wait_for_end();

    let (child, mut pipes) = marker.shell(deaf).start_with_pipes().unwrap();
    pipes.output.read_u8().await.unwrap();
    assert_eq!(child.terminate(Duration::ZERO).await.unwrap().code(), None);
    marker.wait_for_end();
}

#[tokio::test]
async fn a_dropped_child_is_ended() {
    let marker = Marker::new();
    let child = marker.shell("sleep 600; true").grace(LONG).start().unwrap();
    eventually("the start", || marker.processes().len() == 2);
    drop(child);
    marker.wait_for_end();

    let deaf = "trap '' TERM; setsid sleep 600 & echo b; while :; do sleep 0.05; done";
    for grace in [Duration::ZERO, Duration::from_millis(200)] {
        let command = marker.shell(deaf).grace(grace);
        let (child, mut pipes) = command.start_with_pipes().unwrap();
        pipes.output.read_u8().await.unwrap();
        drop(child);
        marker.wait_for_end();
    }
}

#[test]
fn a_child_may_outlive_its_runtime_and_is_ended_then() {
    let marker = Marker::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let child = runtime.block_on(async { marker.shell("sleep 600; true").grace(LONG).start() });
    drop(runtime);
    let mut child = child.unwrap();
    assert!(child.try_wait().unwrap().is_none());
    drop(child);
    marker.wait_for_end();
}

#[tokio::test]
async fn what_a_child_leaves_in_its_group_is_ended() {
    let marker = Marker::new();
    let mut child = marker.shell("sleep 600 > /dev/null 2>&1 & exit 3").start().unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(3));
    marker.wait_for_end();
    // Even if it holds the standard error.
    let mut child = marker.shell("sleep 600 & exit 3").start().unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(3));
    marker.wait_for_end();
}

#[tokio::test]
async fn a_panic_of_a_reader_goes_on_in_the_wait() {
    let marker = Marker::new();
    let take = |line: &str| panic!("cannot take {line}");
    let mut child = marker.shell("echo x >&2").on_error_line(take).start().unwrap();
    let waiting = tokio::spawn(async move { child.wait().await.map(drop) });
    let panic = waiting.await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref::<String>().unwrap(), "cannot take x");
}
