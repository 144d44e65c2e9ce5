//! Replaces parts by others: to delete objects, and to make one artifact of a release.
//!
//! A new part is written before the old ones are deleted, and it has everything of them that stays.
//! So two publishers that do this at the same moment lose nothing, and a reader finds each object
//! in the old part or in the new one.

mod release_tag;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::{Context, Manifest, ReleaseId, ReleasePath, layout};

use super::artifact::{Entries, Kind, MOST_ENTRIES, Stored};
use super::client::Client;
use super::manifests::{self, Written};
use super::objects::Objects;
use super::part::{Part, release_of};
use super::scope::Scope;
use super::summary::build;
use super::target::Target;
use super::writing::{LINK_TIME, lost_blob, put_patiently, write_part};
use super::{blob, file, referrers, tag};
use crate::error::Error;
use crate::store::DOCUMENT_LIMIT;

/// Deletes objects.
pub(super) async fn delete(
    target: &Target,
    paths: &[ReleasePath],
    context: &Context,
) -> Result<(), Error> {
    context.check()?;
    tokio::select! {
        biased;
        () = context.cancellation().cancelled() => Err(Error::Cancelled),
        done = delete_all(target, paths) => done,
    }
}

async fn delete_all(target: &Target, paths: &[ReleasePath]) -> Result<(), Error> {
    let client = target.client.as_ref();
    let (files, doomed) = tag::split(paths.iter().cloned(), |path| path);
    let deletions = stream::iter(files)
        .map(|(tag, path)| async move { file::delete(client, &path, &tag).await })
        .buffer_unordered(client.settings.parallelism);
    deletions.try_collect::<Vec<()>>().await?;
    if doomed.is_empty() {
        return Ok(());
    }
    let doomed = doomed.into_iter().collect();
    Change { doomed, fresh: Entries::new(), new: BTreeSet::new() }.make(target).await
}

/// Removes what the new parts replace. A release that is whole becomes one artifact.
pub(super) async fn after_sending(target: &Target, parts: Vec<Arc<Part>>) -> Result<(), Error> {
    let new = parts.iter().map(|part| part.tag.clone()).collect();
    let fresh = parts.iter().flat_map(|part| part.iter()).collect();
    Change { doomed: BTreeSet::new(), fresh, new }.make(target).await?;
    build::extend(target).await;
    Ok(())
}

/// A change of the objects.
struct Change {
    doomed: BTreeSet<ReleasePath>,
    /// The objects of the new parts.
    fresh: Entries,
    /// The tags of the new parts.
    new: BTreeSet<String>,
}

impl Change {
    async fn make(&self, target: &Target) -> Result<(), Error> {
        // The releases whose tag may be wrong afterwards.
        let mut tagged: BTreeSet<_> = self.doomed.iter().filter_map(release_of).collect();
        let _alone = target.changes.lock().await;
        let touched_paths = || self.doomed.iter().chain(self.fresh.keys());
        let of_releases = Scope::Some {
            releases: touched_paths().filter_map(release_of).collect(),
            sought: Vec::new(),
        };
        let mut objects = target.index.read(&target.client, &of_releases).await?;
        // A blob that is to go, or that gets other bytes, may be in the part of any release.
        let is_blob = |path: &ReleasePath| release_of(path).is_none();
        let replaces_blob = objects.parts.values().any(|part| {
            let mut entries = part.iter();
            entries.any(|(path, stored)| is_blob(&path) && self.is_stale(part, &path, &stored))
        });
        if replaces_blob || self.doomed.iter().any(is_blob) {
            objects = target.index.read(&target.client, &Scope::All).await?;
        }
        let touched: BTreeSet<ReleaseId> = touched_paths().filter_map(release_of).collect();
        let mut groups: BTreeMap<Option<ReleaseId>, Vec<Arc<Part>>> = BTreeMap::new();
        for part in objects.parts.values() {
            groups.entry(part.release()).or_default().push(part.clone());
        }
        for (release, parts) in groups {
            let (old, rest): (Vec<_>, Vec<_>) =
                parts.into_iter().partition(|part| self.is_outdated(part));
            match release.filter(|release| self.leaves_whole(release, &objects)) {
                Some(release)
                    if !old.is_empty() || (rest.len() > 1 && touched.contains(&release)) =>
                {
                    let all = old.into_iter().chain(rest).collect();
                    self.make_one(target, &release, all, &objects).await?;
                    tagged.insert(release);
                }
                None if !old.is_empty() => self.rewrite(target, old).await?,
                _ => {}
            }
        }
        release_tag::settle(target, tagged).await
    }

    /// Returns true if a release is whole after this change: it has a manifest and no record of
    /// staging or pruning.
    fn leaves_whole(&self, release: &ReleaseId, objects: &Objects) -> bool {
        let stays = |path: &ReleasePath| {
            let path = layout::in_release(release, path);
            !self.doomed.contains(&path) && objects.has(&path)
        };
        stays(&layout::manifest()) && !stays(&layout::incomplete_manifest())
    }

    fn is_outdated(&self, part: &Part) -> bool {
        part.iter().any(|(path, stored)| self.is_stale(part, &path, &stored))
    }

    /// Returns true if an object is deleted, or if a new one took its place. If another publisher
    /// wrote the path at the same moment, both see the same winner, and only the loser goes.
    fn is_stale(&self, part: &Part, path: &ReleasePath, stored: &Stored) -> bool {
        let is_replaced =
            |new: &Stored| new.sha256 != stored.sha256 && new.order() > stored.order();
        self.doomed.contains(path)
            || (!self.new.contains(&part.tag) && self.fresh.get(path).is_some_and(is_replaced))
    }

    /// The objects that stay of parts. Of two with the same path, the newer one.
    fn remainder(&self, parts: &[Arc<Part>]) -> Entries {
        let mut entries = Entries::new();
        for part in parts {
            for (path, stored) in part.iter() {
                let is_older = |there: &Stored| there.order() > stored.order();
                if !self.is_stale(part, &path, &stored) && !entries.get(&path).is_some_and(is_older)
                {
                    entries.insert(path, stored);
                }
            }
        }
        entries
    }

    /// Replaces parts by one without the outdated objects, and without blobs that other parts name.
    async fn rewrite(&self, target: &Target, parts: Vec<Arc<Part>>) -> Result<(), Error> {
        let mut entries = self.remainder(&parts);
        // A deleted release leaves its blobs, and parts of other releases name most of them.
        let all = match entries.keys().find_map(release_of) {
            None if !entries.is_empty() => target.index.read(&target.client, &Scope::All).await?,
            _ => Arc::default(),
        };
        // If two parts name a blob, only the older part may lose it. Otherwise two publishers could
        // drop it from both.
        let last = parts.iter().map(|part| &part.tag).max();
        let is_kept = |path: &ReleasePath, stored: &Stored| {
            all.parts.values().any(|other| {
                Some(&other.tag) > last
                    && !self.is_outdated(other)
                    && other.get(path).is_some_and(|it| it.sha256 == stored.sha256)
            })
        };
        entries.retain(|path, stored| !is_kept(path, stored));
        write_all(target, Kind::Part, entries, None).await?;
        delete_parts(target, &parts).await
    }

    /// Makes one artifact of all parts of a whole release. It names the release's blobs as well, so
    /// that whoever copies the artifact has the whole release.
    async fn make_one(
        &self,
        target: &Target,
        release: &ReleaseId,
        parts: Vec<Arc<Part>>,
        known: &Arc<Objects>,
    ) -> Result<(), Error> {
        let client = target.client.as_ref();
        let mut entries = self.remainder(&parts);
        let manifest = layout::in_release(release, &layout::manifest());
        let blobs = match entries.get(&manifest) {
            Some(stored) => named_blobs(client, stored).await?,
            None => Vec::new(),
        };
        let named: Vec<_> = blobs.iter().filter(|path| !self.doomed.contains(path)).collect();
        let objects = if named.iter().all(|path| known.has(path)) {
            known
        } else {
            &target.index.read(client, &Scope::of(named.iter().copied())).await?
        };
        let named = named.into_iter();
        // A part of another release may still have the bytes that this change replaces.
        let now = |path| self.fresh.get(path).cloned().or_else(|| objects.get(path));
        let named: Vec<_> = named.filter_map(|path| Some((path, now(path)?))).collect();
        if entries.len() + named.len() <= MOST_ENTRIES {
            for (path, stored) in named {
                entries.entry(path.clone()).or_insert(stored);
            }
        }
        let (written, jsons) = write_all(target, Kind::Release, entries, Some(&manifest)).await?;
        let covered = |part: &Part| {
            part.release().is_none()
                && part.iter().all(|(path, stored)| {
                    written.get(&path).is_some_and(|it| it.sha256 == stored.sha256)
                })
        };
        // People find the release under this tag. It is a second tag of the same manifest: a
        // registry deletes a manifest with all its tags.
        let tag = tag::of_release(release);
        if let [json] = jsons.as_slice() {
            referrers::write(client, json, &written).await?;
            if put_patiently(client, &tag, json.clone(), None).await? != Written::Done {
                return Err(lost_blob(client, &tag));
            }
        }
        let old: Vec<_> = objects.parts.values().filter(|part| covered(part)).cloned().collect();
        delete_parts(target, &parts).await?;
        delete_parts(target, &old).await
    }
}

/// The blobs that the manifest of a release names. A manifest that cannot be understood names none.
async fn named_blobs(client: &Client, stored: &Stored) -> Result<Vec<ReleasePath>, Error> {
    if stored.size > DOCUMENT_LIMIT {
        return Ok(Vec::new());
    }
    let json = blob::read(client, stored).await?.unwrap_or_default();
    let Ok(manifest) = Manifest::from_json(&json) else { return Ok(Vec::new()) };
    let texts = manifest.entry_points().values().map(|text| layout::blob(&text.sha256));
    // Anybody may have put the manifest of another release there, whose files are not this one's.
    let blobs = manifest.objects().into_keys().filter(|path| release_of(path).is_none());
    Ok(blobs.chain(texts).collect())
}

/// Writes entries as one part, or as several if they are too many. Leaves out objects whose blobs
/// the registry has lost. Returns the entries that were written, and the manifests.
async fn write_all(
    target: &Target,
    kind: Kind,
    mut entries: Entries,
    config: Option<&ReleasePath>,
) -> Result<(Entries, Vec<Bytes>), Error> {
    let client = target.client.as_ref();
    for _ in 0..2 {
        let mut jsons = Some(Vec::new());
        let all: Vec<_> = entries.iter().collect();
        for chunk in all.chunks(MOST_ENTRIES) {
            let chunk: Entries =
                chunk.iter().map(|(path, stored)| ((*path).clone(), (*stored).clone())).collect();
            let written = write_part(target, kind, chunk, config).await?;
            jsons = jsons.zip(written).map(|(mut jsons, (_, json))| {
                jsons.push(json);
                jsons
            });
        }
        if let Some(jsons) = jsons {
            return Ok((entries, jsons));
        }
        entries = without_lost(client, entries).await?;
    }
    Err(lost_blob(client, "part"))
}

async fn without_lost(client: &Client, entries: Entries) -> Result<Entries, Error> {
    let there = stream::iter(entries)
        .map(|(path, stored)| async move {
            let mut is_there = blob::is_there(client, &stored.sha256).await?;
            if !is_there {
                tokio::time::sleep(LINK_TIME).await;
                is_there = blob::is_there(client, &stored.sha256).await?;
            }
            Ok::<_, Error>(is_there.then_some((path, stored)))
        })
        .buffer_unordered(client.settings.parallelism);
    let there: Vec<_> = there.try_collect().await?;
    Ok(there.into_iter().flatten().collect())
}

/// Deletes parts, the oldest first: an object that two parts have keeps its newer bytes to the end.
async fn delete_parts(target: &Target, parts: &[Arc<Part>]) -> Result<(), Error> {
    let mut parts = parts.to_vec();
    parts.sort_by(|one, other| one.tag.cmp(&other.tag));
    build::delete_of(target, &parts).await?;
    for part in parts {
        if let Some(size) = part.size_of_release {
            let entries = part.iter().collect();
            referrers::delete(&target.client, (part.digest, size), &entries).await?;
        }
        manifests::delete(&target.client, &part.digest).await?;
        target.index.forget(&part.tag);
    }
    Ok(())
}
