//! Fetching blobs from the network.

pub(crate) mod blob_reader;
pub(crate) mod request;
mod sources;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use netboot_closure::boot_parameter::HttpUrl;
use netboot_closure::console::ConsoleLine;
use ureq::Agent;

use crate::fetch::request::agent;
use crate::fetch::sources::Sources;
use crate::patience::Patience;
use crate::watch::{FailedTry, Watch};

/// Receives the lines for the console.
pub type Tell = dyn Fn(&ConsoleLine) + Send + Sync;

/// The time between two lines of one kind. Thousands of blobs may fail at the same time.
const LINE_EVERY: Duration = Duration::from_secs(1);

/// The way to the sources, which all connections share.
pub(crate) struct Network {
    agent: Agent,
    sources: Sources,
    patience: Patience,
    watch: Arc<Watch>,
    tell: Arc<Tell>,
    last_retry: Mutex<Option<Instant>>,
    last_mirror: Mutex<Option<Instant>>,
}

impl Network {
    pub(crate) fn new(
        urls: Vec<HttpUrl>,
        patience: Patience,
        connections: usize,
        watch: Arc<Watch>,
        tell: Arc<Tell>,
    ) -> Self {
        Self {
            agent: agent(patience, connections),
            sources: Sources::new(urls, patience),
            patience,
            watch,
            tell,
            last_retry: Mutex::new(None),
            last_mirror: Mutex::new(None),
        }
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }

    pub(crate) fn patience(&self) -> Patience {
        self.patience
    }

    pub(crate) fn say(&self, line: &ConsoleLine) {
        (self.tell)(line);
    }

    /// Says that a file is tried again, if nothing was said about tries for a while.
    fn say_retry(&self, failed: FailedTry, attempt: u32) {
        if is_time(&self.last_retry) {
            let FailedTry { item, url, problem, .. } = failed;
            self.say(&ConsoleLine::Retry { item, attempt, url, problem });
        }
    }

    /// Says that a file comes from another source, if nothing was said about sources for a while.
    fn say_mirror(&self, to: usize, from: usize) {
        if is_time(&self.last_mirror) {
            let url = |source| self.sources.url(source).clone();
            self.say(&ConsoleLine::Mirror { to: url(to), from: url(from) });
        }
    }
}

/// Returns true if the last line of its kind is older than a while, and notes the time if it is.
fn is_time(last: &Mutex<Option<Instant>>) -> bool {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    let is_time = last.is_none_or(|last| last.elapsed() >= LINE_EVERY);
    if is_time {
        *last = Some(Instant::now());
    }
    is_time
}
