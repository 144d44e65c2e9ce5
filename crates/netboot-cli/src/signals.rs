//! Signals that ask a program to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use netboot_core::CancellationToken;
use tokio::signal::unix::{SignalKind, signal};

use crate::progress::Progress;

/// The default time that a program may take to stop.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// The time that a change of a terminal's rows may take.
const TERMINAL_LIMIT: Duration = Duration::from_millis(200);

/// Waits for SIGINT, SIGTERM and SIGHUP. The first signal cancels the work, which then ends its
/// child processes. The second signal ends the program immediately, and so does a time limit after
/// the first one: a thread that writes to a file system that hangs cannot be stopped in another
/// way. [`Progress`] has an example.
#[derive(Debug, Clone)]
pub struct Signals {
    cancellation: CancellationToken,
    received: Arc<AtomicI32>,
    limit: Duration,
}

impl Signals {
    /// Starts to wait. The first signal ends what `progress` shows. The program may then take 30
    /// seconds to stop.
    pub fn watch(progress: &Progress) -> Self {
        Self::watch_within(progress, STOP_LIMIT)
    }

    /// Starts to wait for signals of a program that may take `limit` to stop.
    pub fn watch_within(progress: &Progress, limit: Duration) -> Self {
        let (cancellation, received) = (CancellationToken::new(), Arc::default());
        let signals = Self { cancellation, received, limit };
        let (watcher, progress) = (signals.clone(), progress.clone());
        let (registered, is_registered) = channel();
        // The program's runtime may be unable to run tasks or to end, so this thread has its own.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(watcher.receive_all(&progress, registered));
            }
        });
        // It fails if the thread cannot watch. The signals then end the program, as by default.
        let _ = is_registered.recv();
        signals
    }

    /// The token that the first signal cancels.
    pub fn cancellation(&self) -> CancellationToken {
        self.cancellation.clone()
    }

    /// The exit code of a program that a signal ended: 128 plus the signal's number, as in shells.
    /// Returns `None` if there was no signal.
    pub fn exit_code(&self) -> Option<u8> {
        let signal = self.received.load(Ordering::SeqCst);
        u8::try_from(128 + signal).ok().filter(|_| signal != 0)
    }

    async fn receive_all(&self, progress: &Progress, registered: Sender<()>) {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let streams = kinds.map(|kind| signal(kind).map(|stream| (kind.as_raw_value(), stream)));
        let receiving = streams.into_iter().flatten().map(|(number, mut stream)| async move {
            while stream.recv().await.is_some() {
                self.receive(number, progress);
            }
        });
        let receiving = futures::future::join_all(receiving);
        drop(registered);
        receiving.await;
    }

    fn receive(&self, signal: i32, progress: &Progress) {
        if self.received.swap(signal, Ordering::SeqCst) != 0 {
            let progress = progress.clone();
            within_limit(move || progress.finish());
            std::process::exit(128 + signal);
        }
        let stopped = progress.clone();
        within_limit(move || stopped.stop());
        self.cancellation.cancel();
        // The runtime itself may be unable to end, so this is no task of it.
        let (progress, limit) = (progress.clone(), self.limit);
        std::thread::spawn(move || {
            std::thread::sleep(limit);
            let seconds = limit.as_secs_f64();
            progress.end(&format!("Cancelled; the work did not stop within {seconds} s."));
            std::process::exit(128 + signal);
        });
    }
}

/// Changes what a terminal shows, unless it takes no text at the moment.
fn within_limit(change: impl FnOnce() + Send + 'static) {
    let (changed, is_changed) = channel();
    std::thread::spawn(move || {
        change();
        let _ = changed.send(());
    });
    let _ = is_changed.recv_timeout(TERMINAL_LIMIT);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Stdio};
    use std::time::Instant;

    use rustix::process::{Pid, Signal, kill_process};
    use tempfile::TempDir;

    use super::*;

    const STUCK: &str = "NETBOOT_TEST_STUCK";
    const LIMIT: &str = "NETBOOT_TEST_LIMIT";

    /// Work that nothing can stop: a thread of the runtime that writes to a file system that hangs.
    #[tokio::test]
    async fn a_program_works_and_cannot_stop() {
        let Some(ready) = std::env::var_os(STUCK) else { return };
        let limit = std::env::var(LIMIT).unwrap().parse().unwrap();
        let signals = Signals::watch_within(&Progress::new(false), Duration::from_millis(limit));
        fs::write(&ready, "").unwrap();
        signals.cancellation().cancelled().await;
        fs::write(ready, "cancelled").unwrap();
        tokio::task::spawn_blocking(|| std::thread::park_timeout(Duration::from_secs(600)));
        // The test ends, but its runtime waits for the thread.
    }

    /// A process that runs the test above, with this time to stop in milliseconds.
    struct Stuck {
        child: Child,
        ready: PathBuf,
    }

    impl Stuck {
        fn start(directory: &TempDir, limit: u32) -> Self {
            let ready = directory.path().join("ready");
            let child = Command::new(std::env::current_exe().unwrap())
                .args(["signals::tests::a_program_works_and_cannot_stop", "--exact", "--nocapture"])
                .env(STUCK, &ready)
                .env(LIMIT, limit.to_string())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let stuck = Self { child, ready };
            stuck.until("the start", Path::exists);
            stuck
        }

        fn until(&self, what: &str, is_so: impl Fn(&Path) -> bool) {
            let begin = Instant::now();
            while !is_so(&self.ready) {
                assert!(begin.elapsed() < Duration::from_secs(30), "{what} did not happen");
                std::thread::sleep(Duration::from_millis(20));
            }
        }

        fn send(&self, signal: Signal) {
            let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).unwrap();
            kill_process(id, signal).unwrap();
        }

        fn end(self) -> (Option<i32>, String) {
            let output = self.child.wait_with_output().unwrap();
            (output.status.code(), String::from_utf8(output.stderr).unwrap())
        }
    }

    #[test]
    fn a_program_that_cannot_stop_ends_all_the_same() {
        for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
            let directory = TempDir::new().unwrap();
            let stuck = Stuck::start(&directory, 300);
            stuck.send(signal);
            let said = "Cancelled; the work did not stop within 0.3 s.\n".to_owned();
            assert_eq!(stuck.end(), (Some(code), said));
        }
    }

    #[test]
    fn a_second_signal_ends_a_program_at_once() {
        let directory = TempDir::new().unwrap();
        let stuck = Stuck::start(&directory, 600_000);
        stuck.send(Signal::INT);
        stuck.until("the cancellation", |ready| fs::read(ready).unwrap() == b"cancelled");
        stuck.send(Signal::TERM);
        assert_eq!(stuck.end(), (Some(143), String::new()));
    }
}
