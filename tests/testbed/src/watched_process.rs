//! Processes that end with this one, together with everything that they start.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::tool;

/// Kills the process group when standard input ends, and replaces itself by the given program.
const WATCH: &str = r#"exec 3<&0; { read -r _ <&3; kill -KILL 0; } & exec "$@" </dev/null 3<&-"#;

/// The time that killed processes may take to end on a busy machine.
const END_LIMIT: Duration = Duration::from_secs(20);

/// A command to which the caller adds a program and its arguments. The program leads a process
/// group of its own, which ends when this process ends: only this process holds the other end of
/// the pipe that a shell of the group reads.
pub(crate) fn command() -> Command {
    let mut command = Command::new(tool("sh"));
    command.args(["-c", WATCH, "sh"]).process_group(0).stdin(Stdio::piped());
    command
}

/// Kills the group of a process and these other processes, as a power failure would. Returns when
/// none of them runs any more.
pub(crate) fn kill(leader: &mut Child, others: &[i32]) {
    let group = leader.id().cast_signed();
    for process in others.iter().copied().filter_map(Pid::from_raw) {
        // It may already have ended.
        let _ = kill_process(process, Signal::KILL);
    }
    signal(leader, Signal::KILL);
    let _ = leader.wait();
    let begin = Instant::now();
    while is_running(group, others) && begin.elapsed() < END_LIMIT {
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
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.any(|id: i32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        // The name may contain any character; it ends at the last bracket.
        let mut fields =
            stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace();
        let has_ended = fields.next().is_none_or(|state| ["Z", "X"].contains(&state));
        let of = fields.nth(1).and_then(|of| of.parse().ok());
        !has_ended && (of == Some(group) || others.contains(&id))
    })
}
