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
    /// True at the number of each blob that a kept release needs. It may end before the last one.
    kept: Vec<bool>,
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
        let next = Number::try_from(self.numbers.len()).unwrap_or(Number::MAX);
        *self.numbers.entry(blob).or_insert(next)
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

    /// Keeps the blobs that a release needs, as far as its record was read.
    pub(crate) fn keep(&mut self, release: &ReleaseId) {
        let Some((.., Found::Sound(read))) = self.releases.get(release) else { return };
        for number in read.blobs.iter().filter_map(|number| usize::try_from(*number).ok()) {
            if number >= self.kept.len() {
                self.kept.resize(number + 1, false);
            }
            self.kept[number] = true;
        }
    }

    /// Returns true if a kept release needs this blob.
    pub(crate) fn is_kept(&self, blob: &Sha256Digest) -> bool {
        let number = self.numbers.get(blob).and_then(|number| usize::try_from(*number).ok());
        number.and_then(|number| self.kept.get(number)).copied().unwrap_or(false)
    }
}
