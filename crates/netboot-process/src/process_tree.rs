//! The tree of processes and their parents, as `/proc` shows it (proc(5)).

use std::collections::HashMap;
use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// A process. Its start time tells it from a later process with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    pid: Pid,
    /// Clock ticks after boot.
    started: u64,
}

impl Process {
    /// The process that has this number now.
    pub(crate) fn with_pid(pid: Pid) -> Option<Self> {
        Stat::read(pid).map(|stat| stat.process)
    }

    /// Returns true if the process exists. A zombie exists too.
    pub(crate) fn exists(self) -> bool {
        Self::with_pid(self.pid) == Some(self)
    }

    /// Returns true if the process is a zombie: it has ended, and its parent has not waited for it.
    pub(crate) fn has_ended(self) -> bool {
        Stat::read(self.pid).is_some_and(|stat| stat.process == self && stat.has_ended)
    }

    /// Kills the process. A process that has ended needs no signal.
    pub(crate) fn kill(self) {
        if self.exists() {
            let _ = kill_process(self.pid, Signal::KILL);
        }
    }

    /// All processes that have this one as an ancestor at this moment.
    pub(crate) fn descendants(self) -> Vec<Self> {
        if !self.exists() {
            return Vec::new();
        }
        let mut children: HashMap<Pid, Vec<Self>> = HashMap::new();
        for stat in all() {
            if let Some(parent) = stat.parent {
                children.entry(parent).or_default().push(stat.process);
            }
        }
        let (mut found, mut next) = (Vec::new(), vec![self.pid]);
        while let Some(parent) = next.pop() {
            let of_parent = children.remove(&parent).unwrap_or_default();
            next.extend(of_parent.iter().map(|child| child.pid));
            found.extend(of_parent);
        }
        found
    }
}

/// Returns true if a process of the group with this leader runs.
pub(crate) fn group_runs(leader: Pid) -> bool {
    all().any(|stat| stat.group == Some(leader) && !stat.has_ended)
}

fn all() -> impl Iterator<Item = Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let number = |entry: fs::DirEntry| pid(entry.file_name().to_str()?);
    // A process that has ended meanwhile has no file.
    entries.filter_map(number).filter_map(Stat::read)
}

/// Reads the number of a process or group. Linux writes -1 for the group of a process that is just
/// ending (`do_task_stat` in `fs/proc/array.c`).
fn pid(number: &str) -> Option<Pid> {
    number.parse().ok().filter(|number| *number > 0).and_then(Pid::from_raw)
}

/// The needed fields of `/proc/<pid>/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    process: Process,
    parent: Option<Pid>,
    group: Option<Pid>,
    /// The process is a zombie.
    has_ended: bool,
}

impl Stat {
    fn read(pid: Pid) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
        Self::parse(&stat)
    }

    fn parse(stat: &str) -> Option<Self> {
        let (number, rest) = stat.split_once(' ')?;
        // The second field is the program's name in parentheses, which may hold anything.
        let (_, fields) = rest.rsplit_once(") ")?;
        let mut fields = fields.split(' ');
        let has_ended = matches!(fields.next()?, "Z" | "X");
        let (parent, group) = (pid(fields.next()?), pid(fields.next()?));
        // Field 22 of all; the iterator is behind field 5.
        let started = fields.nth(16)?.parse().ok()?;
        Some(Self { process: Process { pid: pid(number)?, started }, parent, group, has_ended })
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::*;

    #[test]
    fn children_and_their_children_are_found() {
        let mut shell = Command::new("sh")
            .args(["-c", "sleep 60 & (sleep 61 & wait) & wait"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let root = Process::with_pid(Pid::from_child(&shell)).unwrap();
        let mut found = Vec::new();
        for _ in 0..500 {
            found = root.descendants();
            if found.len() == 3 {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(found.len(), 3, "{found:?}");
        found.into_iter().for_each(Process::kill);
        shell.wait().unwrap();
        assert!(!root.exists() && root.descendants().is_empty());
    }

    #[test]
    fn a_later_process_with_the_same_number_is_another_one() {
        let own = Process::with_pid(rustix::process::getpid()).unwrap();
        let earlier = Process { started: own.started - 1, ..own };
        assert!(own.exists() && !earlier.exists());
        // It would end this process.
        earlier.kill();
        assert!(earlier.descendants().is_empty());
    }

    #[test]
    fn a_name_may_hold_anything() {
        let stat = "7 (a) b) () S 3 5 7 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 99 1000";
        let stat = Stat::parse(stat).unwrap();
        assert_eq!((stat.parent, stat.group), (Pid::from_raw(3), Pid::from_raw(5)));
        assert!(!stat.has_ended);
        assert_eq!(stat.process, Process { pid: Pid::from_raw(7).unwrap(), started: 99 });
        assert_eq!(Stat::parse("7 (sh"), None);
        let ending = "7 (sh) Z 0 -1 -1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 99 1000";
        let ending = Stat::parse(ending).unwrap();
        assert_eq!((ending.parent, ending.group, ending.has_ended), (None, None, true));
    }
}
