//! Remembers for a moment which blobs the registry has, so that it is not asked twice.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use netboot_core::Sha256Digest;

/// The time for which an answer holds. Another publisher may send a blob, and a registry may lose
/// one.
const MOMENT: Duration = Duration::from_secs(10);

/// The blobs that the registry was asked for a moment ago.
#[derive(Debug, Default)]
pub(super) struct BlobMemory {
    /// True for a blob that was there, with the time of the answer.
    answers: Mutex<BTreeMap<Sha256Digest, (bool, Instant)>>,
}

impl BlobMemory {
    /// Remembers an answer.
    pub(super) fn note(&self, sha256: Sha256Digest, is_there: bool) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.retain(|_, (_, at)| at.elapsed() < MOMENT);
        answers.insert(sha256, (is_there, Instant::now()));
    }

    /// The last answer. `None` if the registry was not asked a moment ago.
    pub(super) fn was_there(&self, sha256: &Sha256Digest) -> Option<bool> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let (was_there, at) = answers.get(sha256)?;
        (at.elapsed() < MOMENT).then_some(*was_there)
    }
}
