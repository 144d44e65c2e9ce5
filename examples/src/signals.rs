//! Signals that ask a program to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use netboot_core::CancellationToken;
use tokio::signal::unix::{SignalKind, signal};

use crate::Progress;

/// Waits for SIGINT, SIGTERM and SIGHUP: the first cancels the work, which then ends its child
/// processes; the second ends the program at once.
#[derive(Debug, Clone)]
pub struct Signals {
    cancellation: CancellationToken,
    received: Arc<AtomicI32>,
}

impl Signals {
    /// Begins to wait, on the runtime that this is called in.
    pub fn watch(progress: &Progress) -> Self {
        let signals =
            Self { cancellation: CancellationToken::new(), received: Arc::new(AtomicI32::new(0)) };
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            // A signal that cannot be waited for ends the program as it always did.
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

    /// What is cancelled by the first signal.
    pub fn cancellation(&self) -> CancellationToken {
        self.cancellation.clone()
    }

    /// The exit code of a program that failed: 128 and the signal's number where one asked for its
    /// end, as shells have it; else 1.
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
        progress.line("stopping; once more ends it at once");
        self.cancellation.cancel();
    }
}
