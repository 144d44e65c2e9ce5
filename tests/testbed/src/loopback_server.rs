//! Servers in separate processes, on reserved ports of the loopback interface.

use std::fs::{self, File};
use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::failure::or_fail;
use crate::patience::PATIENCE;
use crate::reserved_port::ReservedPort;
use crate::watched_process::{self, Process};

/// The number of lines of a server's log in a failure's message.
const LOG_LINES: usize = 30;

/// A listening server. Dropping this value kills the server and everything that it started. The
/// server also ends when the process that started it ends, for whatever reason.
#[derive(Debug)]
pub(crate) struct LoopbackServer {
    process: Child,
    port: ReservedPort,
    log: PathBuf,
}

impl LoopbackServer {
    /// Starts the program that `command` returns for a port, and waits until it listens. The
    /// program must write its log to `log` and stay in the foreground.
    ///
    /// # Panics
    /// If it does not start; the message contains the end of its log.
    pub(crate) fn start(log: &Path, command: impl FnOnce(u16) -> Vec<String>) -> Self {
        let port = ReservedPort::new();
        let process = or_fail(spawn(&command(port.number()), log), "the server");
        let mut server = Self { process, port, log: log.to_owned() };
        assert!(server.listens(), "the server did not start: {}", end_of(log));
        server
    }

    /// Starts it again on the same port.
    ///
    /// # Panics
    /// If it does not start.
    pub(crate) fn restart(&mut self, command: impl FnOnce(u16) -> Vec<String>) {
        self.kill();
        self.process = or_fail(spawn(&command(self.port()), &self.log), "the server");
        let listens = self.listens();
        assert!(listens, "the server did not start again: {}", end_of(&self.log));
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.number()
    }

    /// The end of its log.
    pub(crate) fn log(&self) -> String {
        end_of(&self.log)
    }

    /// The process ids of its current sessions, and of everything that they started.
    pub(crate) fn sessions(&self) -> Vec<i32> {
        descendants(self.process.id().cast_signed(), &or_fail(Process::all(), "/proc"))
    }

    /// Kills it and all its sessions, like a power failure.
    pub(crate) fn kill(&mut self) {
        // Sessions may have their own process groups, so find them while the server runs.
        let sessions = self.sessions();
        watched_process::kill(&mut self.process, &sessions);
    }

    /// Kills its current sessions. The server continues to listen.
    pub(crate) fn kill_sessions(&self) {
        let sessions = self.sessions().into_iter().filter(|it| !watched_process::is_watcher(*it));
        for session in sessions.filter_map(Pid::from_raw) {
            // It may already have ended.
            let _ = kill_process(session, Signal::KILL);
        }
    }

    /// Waits until it listens. Returns false if it ends before.
    fn listens(&mut self) -> bool {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return false;
            }
            if TcpStream::connect(self.port.address()).is_ok() {
                return true;
            }
            thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for LoopbackServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(words: &[String], log: &Path) -> io::Result<Child> {
    let log = File::options().create(true).append(true).open(log)?;
    watched_process::command().args(words).stdout(log.try_clone()?).stderr(log).spawn()
}

fn end_of(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

fn descendants(ancestor: i32, processes: &[Process]) -> Vec<i32> {
    let mut found = vec![ancestor];
    let mut position = 0;
    while let Some(parent) = found.get(position).copied() {
        found.extend(processes.iter().filter(|it| it.parent == parent).map(|it| it.id));
        position += 1;
    }
    found.split_off(1)
}
