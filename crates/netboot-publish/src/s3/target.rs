//! The target of a store, and the limit of the memory for sending.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::client::{Client, RequestFailure};
use super::error::request_error;
use super::failure::S3Failure;
use super::key::Keys;
use super::probe::test_server;
use super::server_memory::{Abilities, KnownServer, ServerMemory};
use crate::error::Error;

/// A target: the client of its bucket, and the keys of the target in the bucket.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) client: Arc<Client>,
    pub(super) keys: Keys,
    pub(super) compare_and_swap: bool,
    /// True if the server refuses content that has another SHA-256 than the request says.
    pub(super) checks_content: bool,
    pub(super) memory: Memory,
    /// Set if a memory, and no test by this store, told what the server supports.
    pub(super) remembered: Option<Arc<Remembered>>,
}

/// The server, as a memory knows it.
#[derive(Debug)]
pub(super) struct Remembered {
    pub(super) memory: ServerMemory,
    pub(super) known: KnownServer,
    /// True once the server was tested again.
    pub(super) is_tested: AtomicBool,
}

impl Target {
    pub(super) fn new(client: Arc<Client>, keys: Keys, abilities: Abilities) -> Self {
        let settings = &client.settings;
        let memory = Memory::new(settings.part_size.saturating_mul(settings.parallelism));
        let Abilities { compare_and_swap, checks_content } = abilities;
        Self { client, keys, compare_and_swap, checks_content, memory, remembered: None }
    }

    /// Tests the server again if its answers come from other software than the memory says.
    ///
    /// # Errors
    /// If the server no longer compares and swaps. The next store then works without that.
    pub(super) async fn confirm(&self) -> Result<(), Error> {
        let Some(remembered) = &self.remembered else { return Ok(()) };
        let settings = &self.client.settings;
        let is_same = |software: &String| *software == remembered.known.software;
        if settings.software.get().is_none_or(is_same) || remembered.is_tested.load(Relaxed) {
            return Ok(());
        }
        let able = test_server(&self.client, &self.keys).await?;
        let software = settings.software.get().cloned().unwrap_or_default();
        let known = able.map(|able| KnownServer::new(able, software));
        remembered.memory.remember(settings.bucket_url.as_str(), known).await;
        if self.compare_and_swap && !able.is_some_and(|able| able.compare_and_swap) {
            let failure = RequestFailure::without_conditions();
            return Err(request_error("compare and swap at", self.url(), failure));
        }
        remembered.is_tested.store(true, Relaxed);
        Ok(())
    }

    /// Forgets what the memory told if the server's words contradict it.
    pub(super) async fn believe<T>(&self, answer: Result<T, Error>) -> Result<T, Error> {
        if let (Err(Error::S3 { failure: S3Failure::NotImplemented, .. }), Some(remembered)) =
            (&answer, &self.remembered)
        {
            remembered.memory.remember(self.client.settings.bucket_url.as_str(), None).await;
        }
        answer
    }

    fn url(&self) -> String {
        self.client.settings.bucket_url.to_string()
    }
}

/// The bytes of one permit: a request for permits has at most 32 bits.
const UNIT: usize = 4096;

/// The memory for everything that is sent to one target at once.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    units: Arc<Semaphore>,
    total: usize,
}

impl Memory {
    fn new(bytes: usize) -> Self {
        let total = bytes.div_ceil(UNIT).clamp(1, Semaphore::MAX_PERMITS);
        Self { units: Arc::new(Semaphore::new(total)), total }
    }

    /// Waits until this many bytes are free, and reserves them until the permit is dropped. A
    /// request for more than the total reserves the total.
    pub(super) async fn reserve(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let units = bytes.div_ceil(UNIT).clamp(1, self.total);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        self.units.clone().acquire_many_owned(units).await.ok()
    }
}
