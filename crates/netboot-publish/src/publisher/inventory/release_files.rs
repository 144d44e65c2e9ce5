//! Every file below `releases` and `blobs`.

use std::collections::BTreeMap;

use netboot_core::layout::{self, Location};
use netboot_core::{Manifest, ReleaseId, ReleasePath, Sha256Digest};

use crate::error::Error;
use crate::store::{Entry, ListScope, Listed, Store};

/// All files below the directory of a release, by their paths below it. Not all of them need to
/// belong to the release.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReleaseFiles(BTreeMap<ReleasePath, Entry>);

impl ReleaseFiles {
    /// Lists the files of each release at the target.
    pub(crate) async fn list(store: &dyn Store) -> Result<BTreeMap<ReleaseId, Self>, Error> {
        Ok(Self::of(store.list(&ListScope::Below(layout::releases())).await?))
    }

    /// Sorts the listed files by their releases.
    pub(crate) fn of(listed: Vec<Listed>) -> BTreeMap<ReleaseId, Self> {
        let mut releases: BTreeMap<ReleaseId, Self> = BTreeMap::new();
        for listed in listed {
            if let Some(Location::InRelease { release, path }) = Location::parse(&listed.path) {
                releases.entry(release).or_default().0.insert(path, listed.entry);
            }
        }
        releases
    }

    pub(crate) fn get(&self, path: &ReleasePath) -> Option<&Entry> {
        self.0.get(path)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&ReleasePath, &Entry)> {
        self.0.iter()
    }

    pub(crate) fn add(&mut self, path: ReleasePath, entry: Entry) {
        self.0.insert(path, entry);
    }

    pub(crate) fn contains(&self, path: &ReleasePath) -> bool {
        self.0.contains_key(path)
    }

    pub(crate) fn is_staged(&self) -> bool {
        self.contains(&layout::manifest())
    }

    /// True if a record says which files belong to the release.
    pub(crate) fn has_record(&self) -> bool {
        self.records().next().is_some()
    }

    /// The records that say which files belong to the release: first its manifest, then the record
    /// of staging or pruning.
    pub(crate) fn records(&self) -> impl Iterator<Item = ReleasePath> {
        let records = [layout::manifest(), layout::incomplete_manifest()];
        records.into_iter().filter(|path| self.contains(path))
    }
}

/// The paths below a release of all files that belong to it, except its manifest.
pub(crate) fn own_paths(manifest: &Manifest) -> impl Iterator<Item = ReleasePath> {
    let records =
        [layout::release_pointer(), layout::manifest_signature(), layout::binary_cache_record()];
    manifest.own_paths().chain(records)
}

/// Lists the blobs at the target, without other files below `blobs`.
pub(crate) async fn list_blobs(
    store: &dyn Store,
) -> Result<impl Iterator<Item = (Sha256Digest, Entry)>, Error> {
    let listed = store.list(&ListScope::Below(layout::blobs())).await?;
    // One listing may have 100,000 blobs, so no other copy is made.
    Ok(listed.into_iter().filter_map(|listed| match Location::parse(&listed.path) {
        Some(Location::Blob(sha256)) => Some((sha256, listed.entry)),
        _ => None,
    }))
}
