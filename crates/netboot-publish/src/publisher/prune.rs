//! Deleting releases and blobs that are no longer wanted, and nothing else.

mod deletion;
mod read_releases;
pub(crate) mod retention;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytesize::ByteSize;
use netboot_core::layout::{self, Location};
use netboot_core::{Context, Phase, ReleaseId, ReleasePath, Sha256Digest, counted};
use serde::Serialize;

use crate::error::Error;
use crate::publisher::Publisher;
use crate::publisher::cache::unused::unused_nar_infos;
use crate::publisher::inventory::release_files::{ReleaseFiles, list_blobs};
use crate::publisher::inventory::untrusted_manifest::is_damaged;
use crate::publisher::prune::deletion::{Unwanted, delete_all};
use crate::publisher::prune::read_releases::ReadReleases;
use crate::publisher::prune::retention::Retention;
use crate::publisher::prune::wanted::{WantedRule, require_absent};
use crate::store::{Entry, ListScope, Store};
use crate::target_clock::TargetClock;

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
        let (delete, keep) =
            if self.dry_run { ("would delete", "would keep") } else { ("deleted", "kept") };
        write!(
            f,
            "{delete} {} and {} ({}), {keep} {}",
            counted(self.deleted.len(), "release"),
            counted(self.deleted_blobs.len(), "blob"),
            ByteSize::b(self.freed_bytes).display().iec(),
            counted(self.kept.len(), "release"),
        )
    }
}

impl Publisher {
    /// Deletes releases that are no longer wanted, then blobs that no kept release names.
    ///
    /// Pruning considers **every** pointer in the target's root. It keeps the live release, the
    /// last releases of the history, and releases that were live or staged within the grace time.
    /// Ages are counted by the target's clock: pruning writes a small file there, and takes its
    /// time. A clock of this machine that is wrong does no harm. A dry run writes nothing, so it
    /// has to use this machine's clock.
    ///
    /// If a wanted thing is missing in a listing of the target, pruning looks for it by its name.
    /// If it is there, the listing is stale or cut, and pruning deletes nothing.
    ///
    /// It deletes the manifest of a release first, so that a release never looks whole while
    /// pruning deletes it. If pruning is interrupted, the next call completes it. Files that no
    /// manifest names stay.
    ///
    /// # Errors
    /// If pruning cannot know which files to keep, it deletes nothing:
    /// [`Error::MalformedPointer`], [`Error::UntrustedPointer`]; [`Error::ForeignFile`] for a
    /// pointer that netboot did not write; [`Error::MalformedManifest`]; [`Error::NotWhole`] for a
    /// live release without its manifest; [`Error::StaleListing`]. Also [`Error::Cancelled`]; if
    /// the target cannot be read or written.
    pub async fn prune(
        &self,
        retention: &Retention,
        context: &Context,
    ) -> Result<PruneReport, Error> {
        let _phase = context.phase(Phase::Pruning, None);
        let mut read = ReadReleases::default();
        if retention.dry_run {
            return self.prune_locked(retention, TargetClock::Unwritten, &mut read, context).await;
        }
        // Reading the manifests takes the longest, and publishers wait for the lock. So this reads
        // them before it takes the lock, and then only what has changed.
        let before = ReleaseFiles::list(self.store.as_ref()).await?;
        read.read(self.store.as_ref(), &before).await?;
        drop(before);
        // Other publishers wait for the lock to stage and activate, or did so before this reads.
        let lock = self.store.lock(context).await?;
        let pruning = async {
            let clock = TargetClock::write(self.store.as_ref(), context).await?;
            let pruned = self.prune_locked(retention, clock, &mut read, context).await;
            if pruned.is_err() {
                // The next pruning would overwrite and delete it as well.
                let _ = self.store.delete(&[layout::clock()], context).await;
            }
            pruned
        };
        lock.during(pruning).await
    }

    /// Prunes while no other publisher prunes, stages or activates.
    async fn prune_locked(
        &self,
        retention: &Retention,
        clock: TargetClock,
        read: &mut ReadReleases,
        context: &Context,
    ) -> Result<PruneReport, Error> {
        let store = self.store.as_ref();
        let listed = store.list(&ListScope::Below(layout::releases())).await?;
        let now = clock.now(store, &listed, self.clock.now())?;
        let oldest = now.checked_sub(retention.grace);
        let is_young = |entry: Option<&Entry>| {
            let modified = entry.and_then(Entry::modified);
            oldest.is_none_or(|oldest| modified.is_some_and(|modified| modified > oldest))
        };
        let mut releases = ReleaseFiles::of(listed);
        let rule = WantedRule {
            own: &self.pointer,
            trust: self.pointer_trust(),
            lifetime: self.pointer_lifetime,
            keep_last: retention.keep_last,
            oldest,
        };
        let wanted = rule.read(store).await?;
        wanted.add_unlisted(store, &mut releases, now).await?;
        wanted.require_manifests(&releases)?;
        let mut report = PruneReport { dry_run: retention.dry_run, ..PruneReport::default() };
        let manifest = layout::manifest();
        read.read(store, &releases).await?;
        let (mut unwanted, mut unlisted) = (Vec::new(), Vec::new());
        for (release, files) in releases {
            let Some(path) = files.records().next() else { continue };
            let is_wanted = wanted.releases.contains(&release);
            let keep = is_wanted || files.records().any(|path| is_young(files.get(&path)));
            let known = match read.get(&release) {
                Ok(Some(known)) => known,
                Ok(None) => continue,
                Err(error) if !keep && is_damaged(&error) => {
                    report.left_alone.insert(release);
                    continue;
                }
                Err(error) => return Err(error),
            };
            if keep {
                unlisted.extend(wanted.unlisted_entry_points(&release, &known.in_root));
                read.keep(&release);
                report.kept.insert(release);
            } else {
                let own = known.own.iter().chain([&manifest]);
                let size = own.filter_map(|path| files.get(path)?.size()).sum::<u64>();
                unwanted.push(Unwanted { release, record: path, files, size });
            }
        }
        require_absent(store, unlisted).await?;
        if !(retention.dry_run || unwanted.is_empty() || store.capabilities().lock()) {
            // Without a lock, another publisher may have made one of these live meanwhile.
            let wanted = rule.read(store).await?;
            for spared in unwanted.extract_if(.., |it| wanted.releases.contains(&it.release)) {
                read.keep(&spared.release);
                report.kept.insert(spared.release);
            }
        }
        report.deleted = unwanted.iter().map(|it| it.release).collect();
        report.freed_bytes = unwanted.iter().map(|it| it.size).sum();
        // A description must not lead to a blob that is gone, so descriptions go first.
        let record = layout::binary_cache_record();
        let with_cache = unwanted.iter().filter(|it| it.files.contains(&record));
        let with_cache = with_cache.map(|it| it.release).collect();
        let nar_infos = unused_nar_infos(store, with_cache, &|blob| read.is_kept(blob)).await?;
        if !(retention.dry_run || nar_infos.is_empty()) {
            store.delete(&nar_infos, context).await?;
        }
        report.deleted_nar_infos = nar_infos.into_iter().collect();
        if !retention.dry_run {
            delete_all(unwanted, store, context).await?;
        }
        let mut blobs = BTreeMap::new();
        for (sha256, entry) in list_blobs(store).await? {
            let size = entry.size().filter(|_| !is_young(Some(&entry)));
            if let Some(size) = size.filter(|_| !read.is_kept(&sha256)) {
                blobs.insert(sha256, size);
            }
        }
        if !(retention.dry_run || blobs.is_empty() || store.capabilities().lock()) {
            spare_named_now(store, read, &report.kept, &mut blobs).await?;
        }
        report.freed_bytes += blobs.values().sum::<u64>();
        report.deleted_blobs = blobs.into_keys().collect();
        if !retention.dry_run {
            let blobs = report.deleted_blobs.iter().map(layout::blob);
            let paths: Vec<_> = blobs.chain([layout::clock()]).collect();
            tokio::task::yield_now().await;
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

/// Takes from `blobs` those that a release names which another publisher staged meanwhile.
async fn spare_named_now(
    store: &dyn Store,
    read: &mut ReadReleases,
    kept: &BTreeSet<ReleaseId>,
    blobs: &mut BTreeMap<Sha256Digest, u64>,
) -> Result<(), Error> {
    let releases = ReleaseFiles::list(store).await?;
    read.read(store, &releases).await?;
    let is_new =
        |release: &ReleaseId, files: &ReleaseFiles| files.has_record() && !kept.contains(release);
    for (release, _) in releases.iter().filter(|(release, files)| is_new(release, files)) {
        read.keep(release);
    }
    blobs.retain(|sha256, _| !read.is_kept(sha256));
    Ok(())
}
