//! The blobs that each release names, read once, in a form that stays small for many releases.

use std::collections::{BTreeMap, BTreeSet};

use netboot_core::{ReleaseId, ReleasePath, Sha256Digest};

use crate::error::Error;
use crate::publisher::checks::objects::required;
use crate::publisher::inventory::records::{Records, WantedRecord};
use crate::publisher::inventory::release_files::{ReleaseFiles, own_paths};
use crate::publisher::inventory::untrusted_manifest::UntrustedManifest;
use crate::store::{Entry, Store};

/// The number of a blob. Releases share most of their blobs, so numbers save memory.
type Number = u32;

/// The releases whose records were read.
///
/// Pruning reads them before it takes the lock, and again those that changed meanwhile. The blobs
/// of a release never change, because its id covers them.
#[derive(Debug, Default)]
pub(crate) struct ReadReleases {
    numbers: BTreeMap<Sha256Digest, Number>,
    blobs: Vec<Sha256Digest>,
    releases: BTreeMap<ReleaseId, (ReleasePath, Option<Entry>, Found)>,
}

/// The record of a release, as it was read.
#[derive(Debug)]
enum Found {
    Sound(ReadRelease),
    /// The record cannot be understood.
    Malformed(Error),
    /// The record was deleted.
    Gone,
}

/// A release whose record was read.
#[derive(Debug)]
pub(crate) struct ReadRelease {
    blobs: Vec<Number>,
    /// The paths below the release of the files that belong to it, except its manifest.
    pub(crate) own: Vec<ReleasePath>,
    /// Its entry points in the root of the target.
    pub(crate) in_root: Vec<ReleasePath>,
}

impl ReadReleases {
    /// Reads the records of `releases` that are not known yet, or that have changed.
    pub(crate) async fn read(
        &mut self,
        store: &dyn Store,
        releases: &BTreeMap<ReleaseId, ReleaseFiles>,
    ) -> Result<(), Error> {
        let mut wanted = Vec::new();
        for (release, files) in releases {
            let Some(record) = files.records().next() else { continue };
            let is_known = self.releases.get(release).is_some_and(|(known, entry, found)| {
                let is_gone = matches!(found, Found::Gone);
                *known == record && entry.as_ref() == files.get(&record) && !is_gone
            });
            if !is_known {
                wanted.push(WantedRecord::listed(*release, files, record, &[]));
            }
        }
        let mut records = Records::new(store, wanted);
        while let Some(batch) = records.next().await? {
            for read in batch {
                let found = match read.manifest() {
                    Ok(Some(stored)) => Found::Sound(self.add(&stored)),
                    Ok(None) => Found::Gone,
                    Err(error @ Error::MalformedManifest { .. }) => Found::Malformed(error),
                    Err(error) => return Err(error),
                };
                let files = releases.get(&read.release);
                let entry = files.and_then(|files| files.get(&read.record)).cloned();
                self.releases.insert(read.release, (read.record, entry, found));
            }
        }
        Ok(())
    }

    fn add(&mut self, stored: &UntrustedManifest) -> ReadRelease {
        let manifest = stored.unchecked();
        let blobs: BTreeSet<Sha256Digest> =
            required(manifest).into_values().map(|content| content.sha256).collect();
        let in_root = manifest.entry_points().keys();
        let in_root = in_root.filter(|path| !path.as_str().contains('/'));
        ReadRelease {
            blobs: blobs.into_iter().map(|blob| self.number(blob)).collect(),
            own: own_paths(manifest).collect(),
            in_root: in_root.cloned().collect(),
        }
    }

    fn number(&mut self, blob: Sha256Digest) -> Number {
        let blobs = &mut self.blobs;
        *self.numbers.entry(blob).or_insert_with(|| {
            blobs.push(blob);
            Number::try_from(blobs.len() - 1).unwrap_or(Number::MAX)
        })
    }

    /// Returns what the record of a release says. `None` if it was deleted.
    ///
    /// # Errors
    /// [`Error::MalformedManifest`]. A second call then returns `None`.
    pub(crate) fn get(&mut self, release: &ReleaseId) -> Result<Option<&ReadRelease>, Error> {
        let Some((.., found)) = self.releases.get_mut(release) else { return Ok(None) };
        if matches!(found, Found::Malformed(_))
            && let Found::Malformed(error) = std::mem::replace(found, Found::Gone)
        {
            return Err(error);
        }
        Ok(match found {
            Found::Sound(read) => Some(read),
            _ => None,
        })
    }

    /// The blobs that a release needs, as far as its record was read.
    pub(crate) fn blobs_of(&self, release: &ReleaseId) -> impl Iterator<Item = Sha256Digest> {
        let numbers = match self.releases.get(release) {
            Some((.., Found::Sound(read))) => &read.blobs[..],
            _ => &[],
        };
        numbers.iter().filter_map(|number| {
            let number = usize::try_from(*number).ok()?;
            self.blobs.get(number).copied()
        })
    }
}
