//! Processes that end with this one, together with everything that they start.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::patience::PATIENCE;
use crate::tool;

/// Kills the process group when standard input ends, and replaces itself by the given program.
const WATCH: &str = r#"exec 3<&0; { read -r _ <&3; kill -KILL 0; } & exec "$@" </dev/null 3<&-"#;

/// A command to which the caller adds a program and its arguments. The program leads a process
/// group of its own, which ends when this process ends: only this process holds the other end of
/// the pipe that a shell of the group reads.
pub(crate) fn command() -> Command {
    let mut command = Command::new(tool("sh"));
    command.args(["-c", WATCH, "sh"]).process_group(0).stdin(Stdio::piped());
    command
}

/// Kills the group of a process and these other processes, as a power failure would. Waits until
/// none of them runs any more, at most for [`PATIENCE`].
pub(crate) fn kill(leader: &mut Child, others: &[i32]) {
    let group = leader.id().cast_signed();
    for process in others.iter().copied().filter_map(Pid::from_raw) {
        // It may already have ended.
        let _ = kill_process(process, Signal::KILL);
    }
    signal(leader, Signal::KILL);
    let _ = leader.wait();
    let begin = Instant::now();
    while is_running(group, others) && begin.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Sends a signal to the group of a process.
pub(crate) fn signal(leader: &Child, signal: Signal) {
    if let Some(group) = Pid::from_raw(leader.id().cast_signed()) {
        // It may already have ended.
        let _ = kill_process_group(group, signal);
    }
}

/// Returns true if a process is the shell that watches a group.
pub(crate) fn is_watcher(process: i32) -> bool {
    let command = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    command.windows(WATCH.len()).any(|window| window == WATCH.as_bytes())
}

/// Returns true if a process of the group or one of the others runs. One that has ended, and that
/// its parent has not asked about, does not.
fn is_running(group: i32, others: &[i32]) -> bool {
    let is_one = |it: &Process| it.group == group || others.contains(&it.id);
    let processes = Process::all().unwrap_or_default();
    processes.iter().any(|process| !process.has_ended && is_one(process))
}

/// A process of this machine, as `/proc` shows it.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) id: i32,
    pub(crate) parent: i32,
    group: i32,
    /// True if it has ended, and its parent has not asked about it.
    has_ended: bool,
}

impl Process {
    /// Every process.
    pub(crate) fn all() -> io::Result<Vec<Self>> {
        let names = fs::read_dir("/proc")?.flatten().map(|entry| entry.file_name());
        Ok(names.filter_map(|name| Self::read(name.to_str()?)).collect())
    }

    fn read(name: &str) -> Option<Self> {
        let id = name.parse().ok()?;
        let stat = fs::read_to_string(format!("/proc/{name}/stat")).ok()?;
        // The name may contain any character; it ends at the last bracket.
        let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
        let has_ended = ["Z", "X"].contains(&fields.next()?);
        let (parent, group) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(Self { id, parent, group, has_ended })
    }
}
