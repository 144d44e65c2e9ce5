//! Deleting what is no longer wanted, and nothing else.

pub(crate) mod retention;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::SystemTime;

use netboot_core::{Context, Phase, ReleaseId, ReleasePath, Sha256Digest, counted, layout};
use serde::Serialize;

use crate::error::Error;
use crate::publisher::Publisher;
use crate::publisher::checks::objects::required;
use crate::publisher::inventory::release_files::{ReleaseFiles, list_blobs, own_paths};
use crate::publisher::inventory::stored_manifest::{StoredManifest, is_damaged};
use crate::publisher::prune::retention::Retention;
use crate::publisher::prune::wanted::Wanted;
use crate::publisher::uploads::upload;
use crate::store::{Entry, Store};

/// What pruning did, or would do in a dry run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PruneReport {
    /// Whether nothing was deleted in truth.
    pub dry_run: bool,
    /// The releases that are kept.
    pub kept: BTreeSet<ReleaseId>,
    /// The releases that were deleted, also those that were never staged to their end.
    pub deleted: BTreeSet<ReleaseId>,
    /// The releases that are left alone, since their manifest cannot be understood and it is not
    /// known which files are theirs.
    pub left_alone: BTreeSet<ReleaseId>,
    /// The blobs that were deleted.
    pub deleted_blobs: BTreeSet<Sha256Digest>,
    /// How many bytes were freed.
    pub freed_bytes: u64,
}

impl fmt::Display for PruneReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} and {} ({}), kept {}",
            if self.dry_run { "would delete" } else { "deleted" },
            counted(self.deleted.len(), "release"),
            counted(self.deleted_blobs.len(), "blob"),
            counted(self.freed_bytes, "byte"),
            counted(self.kept.len(), "release"),
        )
    }
}

impl Publisher {
    /// Deletes releases that are no longer wanted, then blobs that no kept release names.
    ///
    /// Kept are, over **every** pointer in the target's root: the live release, the last ones of
    /// the history, what was live or staged within the grace time. The manifest of a release is
    /// deleted first, so that none looks whole while it goes; when this breaks off, the next call
    /// completes it. Files that no manifest names stay.
    ///
    /// # Errors
    /// Where it cannot be known what is to be kept, and nothing is deleted then:
    /// [`Error::MalformedPointer`], [`Error::ForeignFile`] for a pointer that somebody else wrote,
    /// [`Error::MalformedManifest`], [`Error::NotWhole`] for a live release without its manifest.
    /// [`Error::Cancelled`]; when the target cannot be read or written.
    pub async fn prune(
        &self,
        retention: &Retention,
        context: &Context,
    ) -> Result<PruneReport, Error> {
        let _phase = context.phase(Phase::Pruning, None);
        // What another publisher stages or activates meanwhile waits for this, or is seen.
        if retention.dry_run {
            return self.prune_locked(retention, context).await;
        }
        let lock = self.store.lock(context).await?;
        lock.during(self.prune_locked(retention, context)).await
    }

    /// Does it, while nobody else prunes, stages or activates.
    async fn prune_locked(
        &self,
        retention: &Retention,
        context: &Context,
    ) -> Result<PruneReport, Error> {
        let oldest = SystemTime::now().checked_sub(retention.grace);
        let is_young = |entry: Option<&Entry>| {
            let modified = entry.and_then(Entry::modified);
            oldest.is_none_or(|oldest| modified.is_some_and(|modified| modified >= oldest))
        };
        let store = self.store.as_ref();
        let wanted = Wanted::read(store, &self.pointer, retention.keep_last, oldest).await?;
        let mut report = PruneReport { dry_run: retention.dry_run, ..PruneReport::default() };
        let mut kept_blobs = BTreeSet::new();
        let mut unwanted = Vec::new();
        let releases = ReleaseFiles::list(store).await?;
        wanted.require_manifests(&releases)?;
        for (release, files) in releases {
            let Some(path) = files.records().next() else { continue };
            let is_wanted = wanted.releases.contains(&release);
            let keep = is_wanted || files.records().any(|path| is_young(files.get(&path)));
            let stored = match StoredManifest::find_at(store, &release, &path).await {
                Ok(Some(stored)) => stored,
                Ok(None) => continue,
                Err(error) if !keep && is_damaged(&error) => {
                    report.left_alone.insert(release);
                    continue;
                }
                Err(error) => return Err(error),
            };
            if keep {
                let blobs = required(&stored.manifest).into_values().map(|content| content.sha256);
                kept_blobs.extend(blobs);
                report.kept.insert(release);
            } else {
                unwanted.push((release, files, stored));
            }
        }
        for (release, files, stored) in unwanted {
            context.check()?;
            let own = own_paths(&stored.manifest).chain([layout::manifest()]);
            report.freed_bytes += own.filter_map(|path| files.get(&path)?.size()).sum::<u64>();
            report.deleted.insert(release);
            if !retention.dry_run {
                delete_release(store, &files, &stored, context).await?;
            }
        }
        let mut blobs = BTreeMap::new();
        for (sha256, entry) in list_blobs(store).await? {
            let size = entry.size().filter(|_| !is_young(Some(&entry)));
            if let Some(size) = size.filter(|_| !kept_blobs.contains(&sha256)) {
                blobs.insert(sha256, size);
            }
        }
        if !(retention.dry_run || blobs.is_empty() || store.capabilities().lock()) {
            // Nobody waited for this: what others staged meanwhile may rely on what was there.
            let named = blobs_named_now(store, &report.kept).await?;
            blobs.retain(|sha256, _| !named.contains(sha256));
        }
        report.freed_bytes += blobs.values().sum::<u64>();
        report.deleted_blobs = blobs.into_keys().collect();
        if !retention.dry_run {
            let paths: Vec<_> = report.deleted_blobs.iter().map(layout::blob).collect();
            store.delete(&paths, context).await?;
        }
        Ok(report)
    }
}

/// The blobs of the releases that are at the target now, but for those `known`.
async fn blobs_named_now(
    store: &dyn Store,
    known: &BTreeSet<ReleaseId>,
) -> Result<BTreeSet<Sha256Digest>, Error> {
    let mut named = BTreeSet::new();
    for (release, files) in ReleaseFiles::list(store).await? {
        for path in files.records().filter(|_| !known.contains(&release)) {
            match StoredManifest::find_at(store, &release, &path).await {
                Ok(stored) => named.extend(stored.iter().flat_map(|stored| {
                    required(&stored.manifest).into_values().map(|content| content.sha256)
                })),
                Err(Error::MalformedManifest { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(named)
}

/// Deletes the files that are a release's own.
async fn delete_release(
    store: &dyn Store,
    files: &ReleaseFiles,
    stored: &StoredManifest,
    context: &Context,
) -> Result<(), Error> {
    let place = |path: ReleasePath| layout::in_release(stored.manifest.release(), &path);
    let (manifest, incomplete) = (place(layout::manifest()), place(layout::incomplete_manifest()));
    let own: Vec<ReleasePath> = own_paths(&stored.manifest).map(place).collect();
    if files.is_staged() {
        // From here on the release is not whole, and it is known which files are its own.
        let record = upload(incomplete.clone(), stored.json.clone())?;
        match store.send(vec![record], context).await {
            Ok(()) => store.delete(&[manifest], context).await?,
            // Not even for that is there room. What is its own goes first then: without it the
            // release is not whole either, and the manifest still says which files those were.
            Err(error) if error.is_storage_full() => {
                store.delete(&own, context).await?;
                return store.delete(&[manifest], context).await;
            }
            Err(error) => return Err(error),
        }
    }
    store.delete(&own, context).await?;
    store.delete(&[incomplete], context).await
}
