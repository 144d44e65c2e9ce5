//! A program that is stopped by a signal leaves no process behind, whichever signal it is.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use netboot_testbed::HermeticNix;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::netboot_program::netboot;

const SIGNALS: [(Signal, i32); 3] = [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)];

/// Waits until `condition` holds, for at most 30 seconds.
fn eventually(what: &str, condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < Duration::from_secs(30), "{what} did not happen");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Returns true if another process has `text` in its arguments.
fn runs(text: &str) -> bool {
    let own = std::process::id().to_string();
    fs::read_dir("/proc").unwrap().filter_map(Result::ok).any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name != own
            && name.chars().all(|c| c.is_ascii_digit())
            && fs::read(entry.path().join("cmdline"))
                .is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(text))
    })
}

fn start(program: &str, directory: &Path, arguments: &[&str], nix: &HermeticNix) -> Child {
    Command::new(program)
        .args(arguments)
        .envs(nix.environment())
        .current_dir(directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // A process group of its own, as from a shell, so that signals do not reach the test.
        .process_group(0)
        .spawn()
        .unwrap()
}

fn end(mut child: Child, signal: Signal) -> Option<i32> {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw).unwrap();
    kill_process(id, signal).unwrap();
    child.wait().unwrap().code()
}

#[test]
fn netboot_build_ends_its_builders() {
    for (signal, code) in SIGNALS {
        let (directory, nix) = (TempDir::new().unwrap(), HermeticNix::new());
        let marker = format!("sleeper{}", directory.path().display()).replace('/', "-");
        let flake = directory.path().join("flake");
        fs::create_dir(&flake).unwrap();
        let text = format!(
            r#"{{ outputs = {{ self }}: let
              sleeper = derivation {{ name = "sleeper"; system = "x86_64-linux"; builder = "/bin/sh";
                args = [ "-c" "/bin/sleep 600; echo {marker}" ]; }};
            in {{ nixosConfigurations.netboot-worker.config = {{
              system.build = {{ kernel = sleeper; netbootRamdisk = sleeper; toplevel = sleeper; }};
            }}; }}; }}"#
        );
        fs::write(flake.join("flake.nix"), text).unwrap();
        let program = netboot();
        let program = program.to_str().unwrap();
        let arguments = ["build", "--flake", "path:./flake", "--profile", "worker"];
        let child = start(program, directory.path(), &arguments, &nix);
        eventually("the builder's start", || runs(&marker));
        assert_eq!(end(child, signal), Some(code));
        assert!(!runs(&marker), "a builder outlived {signal:?}");
        let left = directory.path().join("artifacts/.netboot/logs/derivations");
        let names = fs::read_dir(left).unwrap().map(|entry| entry.unwrap().file_name());
        let half_written: Vec<_> =
            names.filter(|name| name.to_string_lossy().starts_with('.')).collect();
        assert!(half_written.is_empty(), "{half_written:?}");
    }
}

/// Work that nothing can stop: a thread of the runtime that writes to a file system that hangs.
#[tokio::test]
async fn a_program_works_and_cannot_stop() {
    let Some(ready) = std::env::var_os(STUCK) else { return };
    let progress = netboot_examples::Progress::new(false);
    let limit = Duration::from_millis(300);
    let _signals = netboot_examples::Signals::watch_within(&progress, limit);
    fs::write(ready, "").unwrap();
    tokio::task::spawn_blocking(|| std::thread::park_timeout(Duration::from_secs(600)));
    // The test ends, but its runtime waits for the thread.
}

const STUCK: &str = "NETBOOT_TEST_STUCK";

#[test]
fn a_program_that_cannot_stop_ends_all_the_same() {
    for (signal, code) in SIGNALS {
        let directory = TempDir::new().unwrap();
        let ready = directory.path().join("ready");
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["signals::a_program_works_and_cannot_stop", "--exact"])
            .env(STUCK, &ready)
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        eventually("the program's start", || ready.exists());
        let begin = Instant::now();
        assert_eq!(end(child, signal), Some(code));
        assert!(begin.elapsed() < Duration::from_secs(20));
    }
}
