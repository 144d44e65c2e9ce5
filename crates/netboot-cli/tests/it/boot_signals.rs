//! A signal ends the machine of `netboot boot`, whichever signal it is, and leaves nothing behind.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::sleeping_flake::eventually;

/// Starts a machine that waits for ten minutes, and returns the program and QEMU's process.
fn start(directory: &Path) -> (Child, u32) {
    fs::write(directory.join("boot.ipxe"), "#!ipxe\nsleep 600\n").unwrap();
    let temporary = directory.join("temporary");
    fs::create_dir(&temporary).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_netboot"))
        .args(["boot", "./", "--expect", "NEVER"])
        .current_dir(directory)
        .env("TMPDIR", &temporary)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let parent = child.id();
    eventually("QEMU's start", || qemu_of(parent).is_some());
    (child, qemu_of(parent).unwrap())
}

fn lives(qemu: u32) -> bool {
    let command = fs::read(format!("/proc/{qemu}/cmdline"));
    command.is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("qemu-system"))
}

#[test]
fn a_signal_ends_the_machine() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let directory = TempDir::new().unwrap();
        let (child, qemu) = start(directory.path());
        let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(id, signal).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(!lives(qemu), "QEMU outlived {signal:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, "booting\nCancelled; the machine was stopped.\n");
        let left = fs::read_dir(directory.path().join("temporary")).unwrap().count();
        assert_eq!(left, 0, "a temporary file was left");
    }
}

/// The process of QEMU below `parent`, at any depth.
fn qemu_of(parent: u32) -> Option<u32> {
    children_of(parent).into_iter().find_map(|child| {
        let command = fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).into_owned();
        if command.contains("qemu-system") && command.contains("bootfile") {
            Some(child)
        } else {
            qemu_of(child)
        }
    })
}

/// The children of all threads of a process.
fn children_of(parent: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{parent}/task")) else { return Vec::new() };
    threads
        .filter_map(Result::ok)
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|id| id.parse().ok())
        .collect()
}
