//! A text in the environment by which a test finds the processes that it started.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use netboot_process::Command;

/// A text that only the processes of one test have.
#[derive(Debug, Clone)]
pub(crate) struct Marker(String);

impl Marker {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self(format!("NETBOOT_MARKER=netboot-process-{}-{number}.", std::process::id()))
    }

    pub(crate) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// A shell that runs `script` and has the marker, as all that it starts.
    pub(crate) fn shell<'a>(&self, script: &str) -> Command<'a> {
        let (name, value) = self.0.split_once('=').unwrap();
        Command::new("sh").args(["-c", script]).env(name, value)
    }

    /// The command lines of all running processes that have the marker.
    pub(crate) fn processes(&self) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
            // A process that has ended, or is another user's, cannot be read.
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            if environment.split(|byte| *byte == 0).any(|variable| variable == self.0.as_bytes()) {
                let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                found.push(String::from_utf8_lossy(&line).replace('\0', " "));
            }
        }
        found
    }

    /// Waits until no process has the marker.
    pub(crate) fn wait_for_end(&self) {
        eventually("the end of all processes", || self.processes().is_empty());
    }
}

/// The time after which a test gives up. It is far longer than any work of a test takes, also on a
/// slow machine that does other work, and shorter than the programs of the tests would run.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// A grace time that no test waits for.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

/// Waits until `condition` holds.
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < PATIENCE, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}
