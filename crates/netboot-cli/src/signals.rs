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

/// Waits for SIGINT, SIGTERM and SIGHUP. The first signal cancels the work, which then ends its
/// child processes. The second signal ends the program immediately, and so does a time limit after
/// the first one: a thread that writes to a file system that hangs cannot be stopped in another
/// way.
#[derive(Debug, Clone)]
pub(crate) struct Signals {
    cancellation: CancellationToken,
    received: Arc<AtomicI32>,
    limit: Duration,
}

impl Signals {
    /// Starts to wait. The first signal prints a line to `progress`. The
    /// program may then take 30 seconds to stop.
    pub(crate) fn watch(progress: &Progress) -> Self {
        Self::watch_within(progress, STOP_LIMIT)
    }

    /// Starts to wait for signals of a program that may take `limit` to stop.
    pub(crate) fn watch_within(progress: &Progress, limit: Duration) -> Self {
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
    pub(crate) fn cancellation(&self) -> CancellationToken {
        self.cancellation.clone()
    }

    /// The exit code of a program that failed: 128 plus the signal's number if a signal ended it,
    /// as in shells; otherwise 1.
    pub(crate) fn exit_code(&self) -> u8 {
        match self.received.load(Ordering::SeqCst) {
            0 => 1,
            signal => u8::try_from(128 + signal).unwrap_or(1),
        }
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
            std::process::exit(128 + signal);
        }
        progress.line("Stopping. Press Ctrl-C again to stop immediately");
        self.cancellation.cancel();
        // The runtime itself may be unable to end, so this is no task of it.
        let (progress, limit) = (progress.clone(), self.limit);
        std::thread::spawn(move || {
            std::thread::sleep(limit);
            let seconds = limit.as_secs_f64();
            progress.line(&format!("The work did not stop within {seconds} s and is abandoned"));
            std::process::exit(128 + signal);
        });
    }
}
