//! Signals that ask a program to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use netboot_core::CancellationToken;
use tokio::signal::unix::{SignalKind, signal};

use crate::progress::Progress;

/// Waits for SIGINT, SIGTERM and SIGHUP. The first signal cancels the work, which then ends its
/// child processes. The second signal ends the program immediately.
#[derive(Debug, Clone)]
pub struct Signals {
    cancellation: CancellationToken,
    received: Arc<AtomicI32>,
}

impl Signals {
    /// Starts to wait, on the current runtime. The first signal prints a line to `progress`.
    pub fn watch(progress: &Progress) -> Self {
        let signals =
            Self { cancellation: CancellationToken::new(), received: Arc::new(AtomicI32::new(0)) };
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            // If this fails, the signal ends the program, as it does by default.
            if let Ok(mut stream) = signal(kind) {
                let (signals, progress) = (signals.clone(), progress.clone());
                tokio::spawn(async move {
                    while stream.recv().await.is_some() {
                        signals.receive(kind.as_raw_value(), &progress);
                    }
                });
            }
        }
        signals
    }

    /// The token that the first signal cancels.
    pub fn cancellation(&self) -> CancellationToken {
        self.cancellation.clone()
    }

    /// The exit code of a program that failed: 128 plus the signal's number if a signal ended it,
    /// as in shells; otherwise 1.
    pub fn exit_code(&self) -> u8 {
        match self.received.load(Ordering::SeqCst) {
            0 => 1,
            signal => u8::try_from(128 + signal).unwrap_or(1),
        }
    }

    fn receive(&self, signal: i32, progress: &Progress) {
        if self.received.swap(signal, Ordering::SeqCst) != 0 {
            std::process::exit(128 + signal);
        }
        progress.line("Stopping. Press Ctrl-C again to stop immediately");
        self.cancellation.cancel();
    }
}
