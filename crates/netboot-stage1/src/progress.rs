//! The lines about progress, for people at the console.

use std::sync::Arc;
use std::time::{Duration, Instant};

use netboot_closure::console::{ConsoleLine, StoreProgress};

use crate::fetch::Tell;

/// The time between two lines. A serial console is slow.
const EVERY: Duration = Duration::from_secs(5);

/// Tells about progress now and then.
pub(crate) struct Progress {
    tell: Arc<Tell>,
    last_time: Instant,
    last: StoreProgress,
}

impl Progress {
    pub(crate) fn new(tell: Arc<Tell>) -> Self {
        Self { tell, last_time: Instant::now(), last: StoreProgress::default() }
    }

    /// Says how much is there, if it is time and there is something new to say. It also says when
    /// everything is there.
    pub(crate) fn look(&mut self, now: StoreProgress) {
        let is_time = self.last_time.elapsed() >= EVERY || now.paths == now.all_paths;
        if is_time && now != self.last {
            (self.tell)(&ConsoleLine::Progress { progress: now });
            (self.last, self.last_time) = (now, Instant::now());
        }
    }
}
