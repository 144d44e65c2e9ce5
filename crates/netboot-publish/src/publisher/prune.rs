//! Deleting releases and blobs that are no longer wanted, and nothing else.

pub(crate) mod retention;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use netboot_core::layout::{self, Location};
use netboot_core::{Context, Phase, ReleaseId, ReleasePath, Sha256Digest, counted};
use serde::Serialize;

use crate::error::Error;
use crate::publisher::Publisher;
use crate::publisher::cache::unused::unused_nar_infos;
use crate::publisher::checks::objects::required;
use crate::publisher::inventory::release_files::{ReleaseFiles, list_blobs, own_paths};
use crate::publisher::inventory::untrusted_manifest::{UntrustedManifest, is_damaged};
use crate::publisher::prune::retention::Retention;
use crate::publisher::prune::wanted::Wanted;
use crate::publisher::uploads::upload;
use crate::store::{Entry, Store};

/// The releases and blobs that pruning deleted, or would delete in a dry run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PruneReport {
    /// True if this was a dry run, which deletes nothing.
    pub dry_run: bool,
    /// The releases that are kept.
    pub kept: BTreeSet<ReleaseId>,
    /// The deleted releases, including releases that were never staged completely.
    pub deleted: BTreeSet<ReleaseId>,
    /// The releases that pruning left alone because their manifest cannot be understood, so that
    /// nobody knows which files belong to them.
    pub left_alone: BTreeSet<ReleaseId>,
    /// The descriptions of store paths that were deleted from the binary cache.
    pub deleted_nar_infos: BTreeSet<ReleasePath>,
    /// The deleted blobs.
    pub deleted_blobs: BTreeSet<Sha256Digest>,
    /// The number of bytes freed.
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
    /// Pruning considers **every** pointer in the target's root. It keeps the live release, the
    /// last releases of the history, and releases that were live or staged within the grace time.
    /// It deletes the manifest of a release first, so that a release never looks whole while
    /// pruning deletes it. If pruning is interrupted, the next call completes it. Files that no
    /// manifest names stay.
    ///
    /// # Errors
    /// If pruning cannot know which files to keep, it deletes nothing:
    /// [`Error::MalformedPointer`], [`Error::UntrustedPointer`]; [`Error::ForeignFile`] for a
    /// pointer that netboot did not write; [`Error::MalformedManifest`]; [`Error::NotWhole`] for a
    /// live release without its manifest. Also [`Error::Cancelled`]; if the target cannot be read
    /// or written.
    pub async fn prune(
        &self,
        retention: &Retention,
        context: &Context,
    ) -> Result<PruneReport, Error> {
        let _phase = context.phase(Phase::Pruning, None);
        // Other publishers wait for the lock to stage and activate, or did so before this reads.
        if retention.dry_run {
            return self.prune_locked(retention, context).await;
        }
        let lock = self.store.lock(context).await?;
        lock.during(self.prune_locked(retention, context)).await
    }

    /// Prunes while no other publisher prunes, stages or activates.
    async fn prune_locked(
        &self,
        retention: &Retention,
        context: &Context,
    ) -> Result<PruneReport, Error> {
        let oldest = self.clock.now().checked_sub(retention.grace);
        let is_young = |entry: Option<&Entry>| {
            let modified = entry.and_then(Entry::modified);
            oldest.is_none_or(|oldest| modified.is_some_and(|modified| modified >= oldest))
        };
        let store = self.store.as_ref();
        let wanted =
            Wanted::read(store, &self.pointer, &self.pointer_trust(), retention.keep_last, oldest)
                .await?;
        let mut report = PruneReport { dry_run: retention.dry_run, ..PruneReport::default() };
        let mut kept_blobs = BTreeSet::new();
        let mut unwanted = Vec::new();
        let releases = ReleaseFiles::list(store).await?;
        wanted.require_manifests(&releases)?;
        for (release, files) in releases {
            let Some(path) = files.records().next() else { continue };
            let is_wanted = wanted.releases.contains(&release);
            let keep = is_wanted || files.records().any(|path| is_young(files.get(&path)));
            let stored = match UntrustedManifest::find_at(store, &release, &path).await {
                Ok(Some(stored)) => stored,
                Ok(None) => continue,
                Err(error) if !keep && is_damaged(&error) => {
                    report.left_alone.insert(release);
                    continue;
                }
                Err(error) => return Err(error),
            };
            if keep {
                let blobs =
                    required(stored.unchecked()).into_values().map(|content| content.sha256);
                kept_blobs.extend(blobs);
                report.kept.insert(release);
            } else {
                let own = own_paths(stored.unchecked()).chain([layout::manifest()]);
                report.freed_bytes += own.filter_map(|path| files.get(&path)?.size()).sum::<u64>();
                report.deleted.insert(release);
                unwanted.push((release, path, files));
            }
        }
        // A description must not lead to a blob that is gone, so descriptions go first.
        let ids = unwanted.iter().map(|(release, ..)| release);
        let nar_infos = unused_nar_infos(store, ids, &kept_blobs).await?;
        if !(retention.dry_run || nar_infos.is_empty()) {
            store.delete(&nar_infos, context).await?;
        }
        report.deleted_nar_infos = nar_infos.into_iter().collect();
        for (release, path, files) in unwanted.into_iter().filter(|_| !retention.dry_run) {
            context.check()?;
            // Manifests with closures are large, so they are read again and not kept.
            if let Some(stored) = UntrustedManifest::find_at(store, &release, &path).await? {
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
            // Without a lock, another publisher may have staged a release that uses these blobs.
            let named = blobs_named_now(store, &report.kept).await?;
            blobs.retain(|sha256, _| !named.contains(sha256));
        }
        report.freed_bytes += blobs.values().sum::<u64>();
        report.deleted_blobs = blobs.into_keys().collect();
        if !retention.dry_run {
            let paths: Vec<_> = report.deleted_blobs.iter().map(layout::blob).collect();
            store.delete(&paths, context).await?;
            self.known.forget(|path| match Location::parse(path.as_str()) {
                Some(Location::InRelease { release, .. }) => report.deleted.contains(&release),
                Some(Location::Blob(sha256)) => report.deleted_blobs.contains(&sha256),
                _ => false,
            });
        }
        Ok(report)
    }
}

/// Returns the blobs of the releases at the target now, except the `known` releases.
async fn blobs_named_now(
    store: &dyn Store,
    known: &BTreeSet<ReleaseId>,
) -> Result<BTreeSet<Sha256Digest>, Error> {
    let mut named = BTreeSet::new();
    for (release, files) in ReleaseFiles::list(store).await? {
        for path in files.records().filter(|_| !known.contains(&release)) {
            match UntrustedManifest::find_at(store, &release, &path).await {
                Ok(stored) => named.extend(stored.iter().flat_map(|stored| {
                    required(stored.unchecked()).into_values().map(|content| content.sha256)
                })),
                Err(Error::MalformedManifest { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(named)
}

/// Deletes the files that belong to a release.
async fn delete_release(
    store: &dyn Store,
    files: &ReleaseFiles,
    stored: &UntrustedManifest,
    context: &Context,
) -> Result<(), Error> {
    let place = |path: ReleasePath| layout::in_release(stored.release(), &path);
    let (manifest, incomplete) = (place(layout::manifest()), place(layout::incomplete_manifest()));
    let own: Vec<ReleasePath> = own_paths(stored.unchecked()).map(place).collect();
    if files.is_staged() {
        // This record says which files belong to the release once its manifest is gone.
        let record = upload(incomplete.clone(), stored.json().clone())?;
        match store.send(vec![record], context).await {
            Ok(()) => store.delete(&[manifest], context).await?,
            // The target has no room for the record. Delete the files first: the release is not
            // whole without them either, and the manifest still says which files they were.
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
