//! Ends a program together with everything that it started.

use std::io;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use crate::guard::Guard;
use crate::process_tree::{self, Process};

/// The time between two looks at a group that was asked to end.
pub(crate) const POLL: Duration = Duration::from_millis(50);

/// A process group that is ended when this value is dropped, and by the guard when this process is
/// killed.
///
/// A program gets SIGTERM first, because it may have to end others: Nix runs its builders in
/// sessions of their own, and only Nix can end them in order.
#[derive(Debug)]
pub(crate) struct ProcessGroup {
    members: Option<Members>,
    grace: Duration,
    guard: Option<Guard>,
}

/// The processes of a group, and descendants of its leader that may have left it.
#[derive(Debug, Clone)]
struct Members {
    leader: Pid,
    leader_process: Option<Process>,
    /// Descendants of the leader when the group got its signals. They are found while the leader
    /// runs, because a process whose parent has ended gets another parent.
    descendants: Vec<Process>,
}

impl ProcessGroup {
    /// The group that `child` leads, watched by `guard`.
    pub(crate) fn of(
        child: &tokio::process::Child,
        grace: Duration,
        guard: io::Result<Guard>,
    ) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let guard = guard.and_then(|mut guard| {
            leader.map_or(Ok(()), |leader| guard.watch(leader, grace))?;
            Ok(guard)
        });
        // Without a guard, everything but a SIGKILL of this process still ends the group.
        let guard = guard.inspect_err(|error| tracing::warn!(%error, "a program has no guard"));
        let members = leader.map(|leader| Members {
            leader,
            leader_process: Process::with_pid(leader),
            descendants: Vec::new(),
        });
        Self { members, grace, guard: guard.ok() }
    }

    /// Asks the group to end, or kills it if there is no grace time.
    pub(crate) fn terminate(&mut self) {
        match &mut self.members {
            Some(members) if self.grace.is_zero() => members.kill(),
            Some(members) => members.terminate(),
            None => {}
        }
    }

    /// Kills the group and the descendants of its leader.
    pub(crate) fn kill(&mut self) {
        if let Some(members) = &mut self.members {
            members.kill();
        }
    }

    /// Returns true if a process of the group runs.
    pub(crate) fn runs(&self) -> bool {
        self.members.as_ref().is_some_and(Members::group_runs)
    }

    /// Sets the time between SIGTERM and SIGKILL.
    pub(crate) fn set_grace(&mut self, grace: Duration) {
        self.grace = grace;
    }

    /// Gives up the group, which has ended by itself.
    pub(crate) fn forget(&mut self) {
        self.members = None;
        self.guard = None;
    }
}

impl Members {
    fn terminate(&mut self) {
        self.find_descendants();
        self.signal(Signal::TERM);
    }

    fn kill(&mut self) {
        self.find_descendants();
        self.signal(Signal::KILL);
        self.kill_descendants();
    }

    fn find_descendants(&mut self) {
        let Some(leader) = self.leader_process else { return };
        for process in leader.descendants() {
            if !self.descendants.contains(&process) {
                self.descendants.push(process);
            }
        }
    }

    fn kill_descendants(&self) {
        self.descendants.iter().copied().for_each(Process::kill);
    }

    fn signal(&self, signal: Signal) {
        // A group that has ended needs no signal.
        let _ = kill_process_group(self.leader, signal);
    }

    fn group_runs(&self) -> bool {
        // The kernel also counts a leader that has ended and was not waited for.
        let has_ended = || self.leader_process.is_some_and(Process::has_ended);
        test_kill_process_group(self.leader).is_ok()
            && (!has_ended() || process_tree::group_runs(self.leader))
    }

    /// Waits until the group has ended or the grace time is over, and kills the rest.
    fn end_after(&mut self, grace: Duration) {
        let deadline = Instant::now() + grace;
        while self.group_runs() {
            if Instant::now() >= deadline {
                return self.kill();
            }
            std::thread::sleep(POLL);
        }
        self.kill_descendants();
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.terminate();
        let Some(mut members) = self.members.take() else { return };
        if self.grace.is_zero() || !members.group_runs() {
            return members.kill_descendants();
        }
        let (grace, guard) = (self.grace, self.guard.take());
        let mut watched = members.clone();
        // The runtime may be ending too, so a thread watches the group. If this process ends before
        // the thread does, the guard goes on.
        let watch = move || {
            watched.end_after(grace);
            drop(guard);
        };
        if std::thread::Builder::new().spawn(watch).is_err() {
            members.kill();
        }
    }
}
