//! A child process that takes everything it started with it, and does not outlive this process.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{self, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

/// Kills the process group whose number it is told, as soon as the pipe to this process is closed.
const GUARD_SCRIPT: &str = r#"read -r group || exit; read -r _; kill -s KILL -- "-$group""#;

/// A child process and what it started: a process group, since QEMU may be behind a script.
///
/// Dropping it kills the group.
#[derive(Debug)]
pub(crate) struct ChildGroup {
    pub(crate) child: Child,
    guard: Option<Guard>,
}

impl ChildGroup {
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        let guard = Guard::start();
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        let guard = guard.and_then(|mut guard| {
            child.id().map_or(Ok(()), |leader| guard.watch(leader))?;
            Ok(guard)
        });
        // Without one all is well as long as this process is.
        let guard = guard.inspect_err(|error| tracing::warn!(%error, "QEMU has no guard")).ok();
        Ok(Self { child, guard })
    }

    /// Kills the group, and waits until the child has ended.
    pub(crate) async fn end(mut self) -> io::Result<()> {
        self.kill_group();
        self.child.kill().await
    }

    /// Waits until the child has ended by itself.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.guard = None;
        Ok(status)
    }

    fn kill_group(&mut self) {
        // A child that was waited for has no id: its number may be another's.
        let leader = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(leader) = leader {
            // A group that is gone needs no signal.
            let _ = kill_process_group(leader, Signal::KILL);
        }
        self.guard = None;
    }
}

impl Drop for ChildGroup {
    fn drop(&mut self) {
        self.kill_group();
    }
}

/// A shell that waits for the moment at which this process ends without dropping anything, by a
/// signal: QEMU does not mind that its console is closed, and would run on.
#[derive(Debug)]
struct Guard(process::Child);

impl Guard {
    fn start() -> io::Result<Self> {
        process::Command::new("sh")
            .args(["-c", GUARD_SCRIPT, "netboot-qemu-guard"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A Ctrl-C goes to the group of this process, and must leave the guard.
            .process_group(0)
            .spawn()
            .map(Self)
    }

    fn watch(&mut self, leader: u32) -> io::Result<()> {
        match &mut self.0.stdin {
            Some(pipe) => writeln!(pipe, "{leader}"),
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
