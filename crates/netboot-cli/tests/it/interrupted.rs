//! Ctrl-C during a command on a target.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use netboot_core::Context;

use crate::place::Place;

/// Runs the program, interrupts it when it shows the line `phase`, and returns the rest that it
/// says.
fn interrupted(arguments: &[&str], phase: &str) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_netboot"))
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while line.trim_end() != phase {
        line.clear();
        assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "no `{phase}`");
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.stdout.is_empty(), "{output:?}");
    (output.status.code(), rest)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_line_says_what_was_done() {
    let place = Place::directory();
    let [first, second] = place.publish(["one", "two"]).await;
    let (target, before, live) = (place.target(), first.short(), second.short());
    // Another publisher works, so that the commands wait.
    let publisher = place.publisher().await;
    let lock = publisher.store().lock(&Context::new()).await.unwrap();
    let not_live = format!("Cancelled; release {before} did not go live; release {live} is live.");
    for (arguments, phase, expected) in [
        (&["activate", &target, &before][..], "activating", not_live.clone()),
        (&["rollback", &target, &before], "activating", not_live),
        (&["rollback", &target], "activating", format!("Cancelled; release {live} is live.")),
        (
            &["prune", &target, "--grace", "0"],
            "pruning",
            "Cancelled; what was not deleted is kept until you prune again.".to_owned(),
        ),
    ] {
        let (code, said) = interrupted(arguments, phase);
        assert_eq!(code, Some(130), "{arguments:?}: {said}");
        assert!(said.ends_with(&format!("{expected}\n")), "{arguments:?}: {said}");
    }
    drop(lock);
    assert_eq!(place.live().await, Some(second));
    place.succeeds(&["activate", &target, &before]);
}
