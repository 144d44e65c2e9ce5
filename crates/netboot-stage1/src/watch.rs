//! The state that the threads of the program share: progress, and the wish to stop.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use netboot_closure::boot_parameter::HttpUrl;
use netboot_closure::console::{FetchProblem, Item};

/// The bytes from the network that count as progress. A server that sends a byte now and then
/// makes none.
const NETWORK_STEP: u64 = 64 << 10;

/// The unpacked bytes that count as progress. A small blob may hold a large file.
const UNPACKED_STEP: u64 = 1 << 20;

/// The work that the threads have done together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// The store paths that are in their place.
    pub(crate) paths: u64,
    /// The sizes of their blobs.
    pub(crate) bytes: u64,
    pub(crate) from_network: u64,
    pub(crate) from_disk: u64,
    pub(crate) retries: u64,
}

/// A try that failed.
#[derive(Debug, Clone)]
pub(crate) struct FailedTry {
    pub(crate) item: Item,
    pub(crate) url: HttpUrl,
    pub(crate) problem: FetchProblem,
    /// The number of tries of this item until now.
    pub(crate) tries: u32,
}

/// Watches over threads.
#[derive(Debug)]
pub(crate) struct Watch {
    state: Mutex<State>,
    stopped: Condvar,
}

#[derive(Debug)]
struct State {
    counts: Counts,
    unpacked: u64,
    /// The values of `from_network` and `unpacked` at the last progress.
    counted: (u64, u64),
    last_progress: Instant,
    /// The last try that failed since the last progress.
    last_failure: Option<FailedTry>,
    is_stopped: bool,
}

impl Watch {
    pub(crate) fn new() -> Self {
        let state = State {
            counts: Counts::default(),
            unpacked: 0,
            counted: (0, 0),
            last_progress: Instant::now(),
            last_failure: None,
            is_stopped: false,
        };
        Self { state: Mutex::new(state), stopped: Condvar::new() }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().counts
    }

    pub(crate) fn received(&self, bytes: u64) {
        let mut state = self.lock();
        state.counts.from_network += bytes;
        if state.counts.from_network - state.counted.0 >= NETWORK_STEP {
            state.has_progress();
        }
    }

    pub(crate) fn read_from_disk(&self, bytes: u64) {
        self.lock().counts.from_disk += bytes;
    }

    pub(crate) fn unpacked(&self, bytes: u64) {
        let mut state = self.lock();
        state.unpacked += bytes;
        if state.unpacked - state.counted.1 >= UNPACKED_STEP {
            state.has_progress();
        }
    }

    /// Notes that a store path is in its place.
    pub(crate) fn completed(&self, blob_size: u64) {
        let mut state = self.lock();
        state.counts.paths += 1;
        state.counts.bytes += blob_size;
        state.has_progress();
    }

    pub(crate) fn failed(&self, failure: FailedTry) {
        let mut state = self.lock();
        state.counts.retries += 1;
        state.last_failure = Some(failure);
    }

    /// The time since the last progress, and the last failure since then.
    pub(crate) fn since_progress(&self) -> (Duration, Option<FailedTry>) {
        let state = self.lock();
        (state.last_progress.elapsed(), state.last_failure.clone())
    }

    /// Makes all threads stop soon.
    pub(crate) fn stop(&self) {
        self.lock().is_stopped = true;
        self.stopped.notify_all();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().is_stopped
    }

    /// Sleeps, but not after [`stop`](Self::stop).
    pub(crate) fn sleep(&self, time: Duration) {
        let is_going_on = |state: &mut State| !state.is_stopped;
        let slept = self.stopped.wait_timeout_while(self.lock(), time, is_going_on);
        drop(slept.unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_progress(&mut self) {
        self.counted = (self.counts.from_network, self.unpacked);
        self.last_progress = Instant::now();
        self.last_failure = None;
    }
}
