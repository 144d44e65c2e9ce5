//! The room that blobs take and may take.

use std::collections::{HashMap, HashSet};

use netboot_closure::Sha256;

/// A blob on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored {
    /// The bytes that it takes.
    pub(crate) size: u64,
    /// The time of its last use, in seconds since 1970, by the clock of that boot.
    pub(crate) used: i64,
}

/// The blobs on the disk, and the room for them.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    blobs: HashMap<Sha256, Stored>,
    needed: HashSet<Sha256>,
    /// The bytes of all blobs, with those that are being written.
    bytes: u64,
    limit: u64,
}

impl Budget {
    /// The room for the blobs of a disk, when `free` bytes of its `all` are free.
    pub(crate) fn new(
        blobs: HashMap<Sha256, Stored>,
        wanted: Option<u64>,
        free: u64,
        all: u64,
    ) -> Self {
        let bytes = blobs.values().fold(0, |sum: u64, blob| sum.saturating_add(blob.size));
        let stays_free = if wanted.is_some() { 0 } else { all / 10 };
        let possible = bytes.saturating_add(free).saturating_sub(stays_free);
        let limit = wanted.unwrap_or(u64::MAX).min(possible);
        Self { blobs, needed: HashSet::new(), bytes, limit }
    }

    /// Sets the blobs that the present boot needs.
    pub(crate) fn need(&mut self, blobs: HashSet<Sha256>) {
        self.needed = blobs;
    }

    /// Takes room for a blob. Returns the blobs to delete for it, or `None` if there is no room, or
    /// if the blob is there.
    pub(crate) fn reserve(&mut self, digest: &Sha256, size: u64) -> Option<Vec<Sha256>> {
        if self.blobs.contains_key(digest) {
            return None;
        }
        let is_needed = |blob: &Sha256| self.needed.contains(blob);
        let mut candidates: Vec<(Sha256, Stored)> = Vec::new();
        let mut surplus = self.bytes.saturating_add(size).saturating_sub(self.limit);
        if surplus > 0 {
            let unneeded = self.blobs.iter().filter(|(blob, _)| !is_needed(blob));
            candidates.extend(unneeded.map(|(digest, blob)| (*digest, *blob)));
            candidates.sort_unstable_by_key(|(digest, blob)| (blob.used, *digest));
        }
        let mut deleted = Vec::new();
        for (digest, blob) in candidates {
            if surplus == 0 {
                break;
            }
            surplus = surplus.saturating_sub(blob.size);
            deleted.push(digest);
        }
        if surplus > 0 {
            return None;
        }
        for blob in &deleted {
            self.forget(blob);
        }
        self.bytes = self.bytes.saturating_add(size);
        Some(deleted)
    }

    /// Gives the room of a blob back that was not written.
    pub(crate) fn release(&mut self, size: u64) {
        self.bytes = self.bytes.saturating_sub(size);
    }

    /// Counts a blob whose room was reserved.
    pub(crate) fn stored(&mut self, digest: Sha256, blob: Stored) {
        if let Some(before) = self.blobs.insert(digest, blob) {
            self.release(before.size);
        }
    }

    /// Forgets a blob that was deleted.
    pub(crate) fn forget(&mut self, digest: &Sha256) {
        if let Some(blob) = self.blobs.remove(digest) {
            self.release(blob.size);
        }
    }

    /// The blobs to delete because all of them take more than they may. It happens when the budget
    /// was made smaller. Those that the present boot needs are the last.
    pub(crate) fn trim(&mut self) -> Vec<Sha256> {
        let mut blobs: Vec<_> = self.blobs.iter().map(|(digest, blob)| (*digest, *blob)).collect();
        blobs.sort_unstable_by_key(|(digest, blob)| {
            (self.needed.contains(digest), blob.used, *digest)
        });
        let mut deleted = Vec::new();
        for (digest, _) in blobs {
            if self.bytes <= self.limit {
                break;
            }
            self.forget(&digest);
            deleted.push(digest);
        }
        deleted
    }
}
