//! Comparing the binary cache at a target with the descriptions that a release needs.

use std::collections::BTreeMap;

use netboot_closure::NarInfo;
use netboot_core::{ReleaseId, ReleasePath, StorePathDigest, layout};

use crate::binary_cache::{BinaryCache, is_own_info};
use crate::error::Error;
use crate::publisher::cache::wanted::WantedNarInfos;
use crate::publisher::checks::place_state::PlaceState;
use crate::publisher::inventory::cache_record::CacheRecord;
use crate::publisher::inventory::content::read_object;
use crate::publisher::inventory::nar_infos::{CacheFiles, blob_of, own_nar_info, read_nar_infos};
use crate::receipt::CacheChange;
use crate::store::{Entry, Store};

/// The state of each file that the binary cache needs for a release.
#[derive(Debug)]
pub(crate) struct CacheSurvey {
    nar_infos: BTreeMap<StorePathDigest, PlaceState>,
    info: PlaceState,
    /// Sound descriptions that lead to another blob than the one of this release.
    moved: BTreeMap<StorePathDigest, NarInfo>,
}

impl CacheSurvey {
    /// Looks at the binary cache by a listing. The first of `releases` that has a record says what
    /// the descriptions say. Reads those that the record or the listing leaves open, or all of them
    /// if `reads_all`.
    pub(crate) async fn of(
        store: &dyn Store,
        cache: &BinaryCache,
        wanted: &WantedNarInfos,
        releases: &[ReleaseId],
        reads_all: bool,
    ) -> Result<Self, Error> {
        let files = CacheFiles::list(store).await?;
        let mut record = None;
        if !files.nar_infos.is_empty() && !reads_all {
            for release in releases {
                // Another key made other descriptions of the same length.
                let found = CacheRecord::find(store, release).await?;
                record = record.or(found.filter(|found| found.key == cache.key.public_key()));
            }
        }
        let (mut nar_infos, mut unclear) = (BTreeMap::new(), Vec::new());
        for (digest, info) in wanted {
            let blob = blob_of(info);
            let is_known =
                || record.as_ref().is_some_and(|record| record.blobs.get(digest) == Some(&blob));
            let state = match files.nar_infos.get(digest) {
                None => PlaceState::Absent,
                Some(Entry::Link { .. } | Entry::Other) => PlaceState::Foreign,
                Some(entry)
                    if entry.size() == Some(info.signed_length(cache.key.name())) && is_known() =>
                {
                    PlaceState::Right
                }
                Some(_) => {
                    unclear.push(digest.clone());
                    continue;
                }
            };
            nar_infos.insert(digest.clone(), state);
        }
        let read = read_nar_infos(store, unclear.clone()).await?;
        let mut moved = BTreeMap::new();
        for digest in unclear {
            let state = match (read.get(&digest), wanted.get(&digest)) {
                (Some(bytes), Some(info)) => {
                    let right = cache.key.sign(info.clone());
                    let found = own_nar_info(&digest, bytes);
                    if let Some(found) = found.filter(|found| describes_the_same(found, &right)) {
                        moved.insert(digest.clone(), found);
                    }
                    state_of(&digest, &right.to_string(), bytes)
                }
                _ => PlaceState::Absent,
            };
            nar_infos.insert(digest, state);
        }
        let info = match read_object(store, &layout::nix_cache_info()).await? {
            None if files.has_info => PlaceState::Foreign,
            None => PlaceState::Absent,
            Some(there) if there.bytes == cache.info() => PlaceState::Right,
            Some(there) if is_own_info(&there.bytes) => PlaceState::Outdated,
            Some(_) => PlaceState::Foreign,
        };
        Ok(Self { nar_infos, info, moved })
    }

    /// Counts a description as right that leads to the blob of another release, if that blob is
    /// there. Releases share descriptions.
    pub(crate) async fn accept_moved(mut self, store: &dyn Store) -> Result<Self, Error> {
        let blobs: Vec<_> = self.moved.values().map(|info| layout::blob(&blob_of(info))).collect();
        if blobs.is_empty() {
            return Ok(self);
        }
        let found = store.stat(&blobs).await?;
        for (digest, info) in &self.moved {
            let entry = found.get(&layout::blob(&blob_of(info)));
            if entry.and_then(Entry::size) == Some(info.blob_size()) {
                self.nar_infos.insert(digest.clone(), PlaceState::Right);
            }
        }
        Ok(self)
    }

    /// The descriptions to write.
    pub(crate) fn to_write(&self) -> impl Iterator<Item = &StorePathDigest> {
        let writes = |state: PlaceState| matches!(state, PlaceState::Absent | PlaceState::Outdated);
        self.nar_infos.iter().filter(move |(_, state)| writes(**state)).map(|(digest, _)| digest)
    }

    /// True if `nix-cache-info` has to be written.
    pub(crate) fn writes_info(&self) -> bool {
        matches!(self.info, PlaceState::Absent | PlaceState::Outdated)
    }

    /// The states of all files.
    pub(crate) fn states(&self) -> impl Iterator<Item = (ReleasePath, PlaceState)> {
        let nar_infos = self.nar_infos.iter();
        let nar_infos = nar_infos.map(|(digest, state)| (layout::nar_info(digest), *state));
        nar_infos.chain([(layout::nix_cache_info(), self.info)])
    }

    /// The effect of writing what has to be written.
    pub(crate) fn change(&self, cache: &BinaryCache, wanted: &WantedNarInfos) -> CacheChange {
        let length =
            |digest| wanted.get(digest).map_or(0, |info| info.signed_length(cache.key.name()));
        let is = |state| move |found: &&PlaceState| **found == state;
        let foreign = self.states().filter(|(_, state)| *state == PlaceState::Foreign);
        CacheChange {
            written: self.to_write().count(),
            written_bytes: self.to_write().map(length).sum(),
            present: self.nar_infos.values().filter(is(PlaceState::Right)).count(),
            foreign: foreign.map(|(path, _)| path).collect(),
        }
    }
}

/// Returns true if two descriptions say the same about a store path, and differ in its blob.
fn describes_the_same(found: &NarInfo, right: &NarInfo) -> bool {
    found.fingerprint() == right.fingerprint()
        && found.signature() == right.signature()
        && found.blob() != right.blob()
}

/// Compares the bytes in the place of a description with the right ones.
fn state_of(digest: &StorePathDigest, right: &str, bytes: &[u8]) -> PlaceState {
    if bytes == right.as_bytes() {
        PlaceState::Right
    } else if own_nar_info(digest, bytes).is_some() || is_damaged_copy(right, bytes) {
        PlaceState::Outdated
    } else {
        PlaceState::Foreign
    }
}

/// Returns true if bytes are a description that was cut, or of which one line was altered. Another
/// binary cache describes a store path in other words: its `URL`, `FileHash` and `FileSize` differ.
fn is_damaged_copy(right: &str, bytes: &[u8]) -> bool {
    if right.as_bytes().starts_with(bytes) {
        return true;
    }
    let lines = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let (right, found): (Vec<_>, Vec<_>) = (lines(right.as_bytes()), lines(bytes));
    right.len() == found.len() && right.iter().zip(&found).filter(|(a, b)| a != b).count() == 1
}
