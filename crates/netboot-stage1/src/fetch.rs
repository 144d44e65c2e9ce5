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

/// The time between two lines about failed tries. Thousands of blobs may fail at the same time.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// The way to the sources, which all connections share.
pub(crate) struct Network {
    agent: Agent,
    sources: Sources,
    patience: Patience,
    watch: Arc<Watch>,
    tell: Arc<Tell>,
    last_retry: Mutex<Option<Instant>>,
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
        let mut last = self.last_retry.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= RETRY_EVERY) {
            *last = Some(Instant::now());
            let FailedTry { item, url, problem, .. } = failed;
            self.say(&ConsoleLine::Retry { item, attempt, url, problem });
        }
    }
}
