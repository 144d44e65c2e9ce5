//! Ends a process group when this process is killed.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Pid;

const SCRIPT: &str = include_str!("guard.sh");

/// A shell that waits until this process ends and then ends a process group. Many programs do not
/// notice that their caller is gone: Nix runs on while a builder is silent, and QEMU without a
/// console.
///
/// Dropping the guard ends the shell and nothing else.
#[derive(Debug)]
pub(crate) struct Guard(Child);

impl Guard {
    /// Starts a guard that has nothing to watch yet. It starts before the program, so that the
    /// program runs without a guard only until [`watch`](Self::watch) has told its number.
    pub(crate) fn start() -> io::Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
        Command::new("/bin/sh")
            .args(["-c", SCRIPT, "netboot-process-guard"])
            .env_clear()
            .env("PATH", path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A Ctrl-C goes to the group of this process and must not reach the guard.
            .process_group(0)
            .spawn()
            .map(Self)
    }

    /// Watches the process group of `leader`. The guard gives it `grace`, rounded up to seconds, to
    /// end after SIGTERM.
    pub(crate) fn watch(&mut self, leader: Pid, grace: Duration) -> io::Result<()> {
        let seconds = grace.as_millis().div_ceil(1000);
        match &mut self.0.stdin {
            Some(pipe) => writeln!(pipe, "{} {seconds}", leader.as_raw_nonzero()),
            None => Ok(()),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Both fail if the shell has ended. The wait is short, since SIGKILL cannot be ignored.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
