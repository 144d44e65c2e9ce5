//! Ends Nix when this process ends without a word, as by SIGKILL.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const SCRIPT: &str = include_str!("guard.sh");

/// A shell that waits for the end of this process, to end a program's process group then. Nix does
/// not mind that nobody reads what it prints while a builder is silent, and would run on.
#[derive(Debug)]
pub(crate) struct Guard(Child);

impl Guard {
    /// Starts a guard that has nothing to watch yet. It comes before the program, so that there is
    /// no time in which a program runs without one but that of telling its number.
    pub(crate) fn start() -> io::Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
        Command::new("/bin/sh")
            .args(["-c", SCRIPT, "netboot-nix-guard"])
            .env_clear()
            .env("PATH", path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A Ctrl-C goes to the group of this process, and must leave the guard.
            .process_group(0)
            .spawn()
            .map(Self)
    }

    /// Watches the process group of `leader`, to which it will give `grace`.
    pub(crate) fn watch(&mut self, leader: i32, grace: Duration) -> io::Result<()> {
        let seconds = grace.as_millis().div_ceil(1000);
        match &mut self.0.stdin {
            Some(pipe) => writeln!(pipe, "{leader} {seconds}"),
            None => Ok(()),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Both fail for one that has ended, and that is well. The wait is for a SIGKILL only.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
