//! Ends a program with everything that it started.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// A process group that is ended when this is dropped: rsync, and the ssh that it started.
pub(crate) struct ProcessGroup {
    leader: Option<Pid>,
    grace: Duration,
}

impl ProcessGroup {
    pub(crate) fn of(child: &tokio::process::Child, grace: Duration) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Self { leader, grace }
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends it.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // A group that is gone needs no signal.
            let _ = kill_process_group(leader, signal);
        }
    }

    /// The group has ended by itself.
    pub(crate) fn forget(&mut self) {
        self.leader = None;
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        let Some(leader) = self.leader else { return };
        self.terminate();
        let deadline = Instant::now() + self.grace;
        // The runtime may be ending too, so a thread of its own watches the group.
        let watch = move || {
            while test_kill_process_group(leader).is_ok() {
                if Instant::now() >= deadline {
                    let _ = kill_process_group(leader, Signal::KILL);
                    return;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        };
        if std::thread::Builder::new().spawn(watch).is_err() {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}
