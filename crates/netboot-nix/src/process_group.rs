//! Ends a program with everything that it started.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};

use crate::guard::Guard;
use crate::process_tree::descendants;

/// A process group that is ended when this is dropped, and when this process ends without dropping
/// anything.
///
/// Nix ends its builders when it gets SIGTERM; SIGKILL alone would leave them running, since they
/// have sessions of their own. So it is asked first, and killed only after the grace time, with
/// everything that it is an ancestor of.
pub(crate) struct ProcessGroup {
    leader: Option<Pid>,
    grace: Duration,
    guard: Option<Guard>,
}

impl ProcessGroup {
    /// The group that `child` leads, watched by `guard`.
    pub(crate) fn of(
        child: &tokio::process::Child,
        grace: Duration,
        guard: std::io::Result<Guard>,
    ) -> Self {
        let number = child.id().and_then(|id| i32::try_from(id).ok());
        let guard = guard.and_then(|mut guard| {
            number.map_or(Ok(()), |leader| guard.watch(leader, grace))?;
            Ok(guard)
        });
        // Without one all is well as long as this process is.
        let guard = guard.inspect_err(|error| tracing::warn!(%error, "Nix has no guard")).ok();
        Self { leader: number.and_then(Pid::from_raw), grace, guard }
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        if let Some(leader) = self.leader {
            // A group that is gone needs no signal.
            let _ = kill_process_group(leader, Signal::TERM);
        }
    }

    /// Ends it.
    pub(crate) fn kill(&self) {
        if let Some(leader) = self.leader {
            kill(leader);
        }
    }

    /// The group has ended by itself.
    pub(crate) fn forget(&mut self) {
        self.leader = None;
        self.guard = None;
    }
}

fn kill(leader: Pid) {
    let descendants = descendants(leader);
    let _ = kill_process_group(leader, Signal::KILL);
    for process in descendants {
        let _ = kill_process(process, Signal::KILL);
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        let Some(leader) = self.leader else { return };
        self.terminate();
        let (deadline, guard) = (Instant::now() + self.grace, self.guard.take());
        // The runtime may be ending too, so a thread of its own watches the group. If the process
        // ends before it, the guard goes on.
        let watch = move || {
            while test_kill_process_group(leader).is_ok() {
                if Instant::now() >= deadline {
                    kill(leader);
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            drop(guard);
        };
        if std::thread::Builder::new().spawn(watch).is_err() {
            kill(leader);
        }
    }
}
