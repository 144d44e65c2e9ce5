//! The target of a store, and the limit of the memory for sending.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::client::Client;
use super::key::Keys;

/// A target: the client of its bucket, and the keys of the target in the bucket.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) client: Arc<Client>,
    pub(super) keys: Keys,
    pub(super) compare_and_swap: bool,
    pub(super) memory: Memory,
}

impl Target {
    pub(super) fn new(client: Arc<Client>, keys: Keys, compare_and_swap: bool) -> Self {
        let settings = &client.settings;
        let memory = Memory::new(settings.part_size.saturating_mul(settings.parallelism));
        Self { client, keys, compare_and_swap, memory }
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
