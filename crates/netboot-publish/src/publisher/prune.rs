//! Deleting what is no longer wanted, and nothing else.

mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, SystemTime};

use netboot_core::{Context, Manifest, Phase, ReleaseId, ReleasePath, Sha256Digest, layout};
use serde::Serialize;

use super::Publisher;
use super::target::{StoredManifest, incomplete_manifest, upload};
use super::whole::required;
use crate::Error;
use crate::store::{Entry, ListScope};

/// Which releases [`Publisher::prune`] keeps.
///
/// ```
/// use std::time::Duration;
/// use netboot_publish::Retention;
///
/// let retention = Retention::default().with_keep_last(5).with_grace(Duration::from_secs(3600));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    keep_last: usize,
    grace: Duration,
    dry_run: bool,
}

impl Default for Retention {
    /// The last three releases, a grace time of one day.
    fn default() -> Self {
        Self { keep_last: 3, grace: Duration::from_secs(24 * 60 * 60), dry_run: false }
    }
}

impl Retention {
    /// Sets how many different releases of each pointer's history are kept, the newest first and
    /// the live one among them. The live one is kept in any case.
    #[must_use]
    pub fn with_keep_last(mut self, releases: usize) -> Self {
        self.keep_last = releases;
        self
    }

    /// Sets for how long a release is kept after it was staged or live last, and a blob after it
    /// was sent. It has to be longer than the slowest machine boots and the slowest publisher
    /// sends; where the store has no lock, it is what keeps publishers from each other's work. It
    /// does not cover blobs that were sent long ago, are of no release any more, and are wanted
    /// again just while they are deleted: without a lock, prune while nobody publishes.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets whether the report only says what would be deleted.
    #[must_use]
    pub fn with_dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }
}

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
            "{} {} releases and {} blobs ({} bytes), kept {} releases",
            if self.dry_run { "would delete" } else { "deleted" },
            self.deleted.len(),
            self.deleted_blobs.len(),
            self.freed_bytes,
            self.kept.len(),
        )
    }
}

/// A release's files at the target, by path below it.
type Files = BTreeMap<String, Entry>;

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
        let wanted = self.wanted(retention, oldest).await?;
        let mut report = PruneReport { dry_run: retention.dry_run, ..PruneReport::default() };
        let mut kept_blobs = BTreeSet::new();
        let mut unwanted = Vec::new();
        let incomplete = incomplete_manifest()?;
        let releases = self.list_releases().await?;
        wanted::require_manifests(&wanted.live, &releases)?;
        for (release, files) in releases {
            let manifest = files.get(layout::manifest().as_str());
            let record = files.get(incomplete.as_str());
            let Some(entry) = manifest.or(record) else { continue };
            let path = if manifest.is_some() { layout::manifest() } else { incomplete.clone() };
            let keep =
                wanted.releases.contains(&release) || is_young(Some(entry)) || is_young(record);
            let stored = match self.read_manifest_at(&release, &path).await {
                Ok(Some(stored)) => stored,
                Ok(None) => continue,
                Err(Error::MalformedManifest { source, .. })
                    if !keep && !matches!(*source, netboot_core::Error::ManifestVersion { .. }) =>
                {
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
            let paths = files_of(&stored.manifest, &files);
            report.freed_bytes +=
                paths.iter().filter_map(|path| files.get(path)?.size()).sum::<u64>();
            report.deleted.insert(release);
            if !retention.dry_run {
                self.delete_release(&release, &files, &stored, context).await?;
            }
        }
        let mut blobs = BTreeMap::new();
        for listed in self.store.list(&ListScope::Below(ReleasePath::new("blobs")?)).await? {
            let Some(sha256) = blob_digest(&listed.path) else { continue };
            let size = listed.entry.size().filter(|_| !is_young(Some(&listed.entry)));
            if let Some(size) = size.filter(|_| !kept_blobs.contains(&sha256)) {
                blobs.insert(sha256, size);
            }
        }
        if !(retention.dry_run || blobs.is_empty() || self.store.capabilities().lock()) {
            // Nobody waited for this: what others staged meanwhile may rely on what was there.
            let named = self.blobs_named_now(&report.kept).await?;
            blobs.retain(|sha256, _| !named.contains(sha256));
        }
        report.freed_bytes += blobs.values().sum::<u64>();
        report.deleted_blobs = blobs.into_keys().collect();
        if !retention.dry_run {
            let paths: Vec<_> = report.deleted_blobs.iter().map(layout::blob).collect();
            self.store.delete(&paths, context).await?;
        }
        Ok(report)
    }

    /// The blobs of the releases that are at the target now, but for those `known`.
    async fn blobs_named_now(
        &self,
        known: &BTreeSet<ReleaseId>,
    ) -> Result<BTreeSet<Sha256Digest>, Error> {
        let mut named = BTreeSet::new();
        let incomplete = incomplete_manifest()?;
        for (release, files) in self.list_releases().await? {
            for path in [layout::manifest(), incomplete.clone()] {
                if known.contains(&release) || !files.contains_key(path.as_str()) {
                    continue;
                }
                match self.read_manifest_at(&release, &path).await {
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

    async fn delete_release(
        &self,
        release: &ReleaseId,
        files: &Files,
        stored: &StoredManifest,
        context: &Context,
    ) -> Result<(), Error> {
        let place = |path: &ReleasePath| layout::in_release(release, path);
        let (manifest, incomplete) = (layout::manifest(), incomplete_manifest()?);
        let own = stored.manifest.own_paths().map(place);
        let records = [layout::release_pointer(), layout::manifest_signature()];
        let own: Vec<_> = own.chain(records.iter().map(place)).collect();
        if files.contains_key(manifest.as_str()) {
            // From here on the release is not whole, and it is known which files are its own.
            let record = upload(place(&incomplete), stored.json.clone())?;
            match self.store.send(vec![record], context).await {
                Ok(()) => self.store.delete(&[place(&manifest)], context).await?,
                // Not even for that is there room. What is its own goes first then: without it the
                // release is not whole either, and the manifest still says which files those were.
                Err(error) if error.is_storage_full() => {
                    self.store.delete(&own, context).await?;
                    return self.store.delete(&[place(&manifest)], context).await;
                }
                Err(error) => return Err(error),
            }
        }
        self.store.delete(&own, context).await?;
        self.store.delete(&[place(&incomplete)], context).await
    }
}

/// Which of the files below a release are its own: only those are deleted.
fn files_of(manifest: &Manifest, files: &Files) -> Vec<String> {
    let own = manifest.own_paths().map(ToString::to_string);
    let records = [layout::release_pointer(), layout::manifest_signature(), layout::manifest()];
    let own = own.chain(records.map(String::from));
    own.filter(|path| files.contains_key(path)).collect()
}

/// The digest of `blobs/<sha256>`.
pub(super) fn blob_digest(path: &str) -> Option<Sha256Digest> {
    let name = path.strip_prefix("blobs/")?;
    let digest: Sha256Digest = name.parse().ok()?;
    (digest.to_string() == name).then_some(digest)
}
