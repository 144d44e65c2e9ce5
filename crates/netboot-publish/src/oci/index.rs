//! The objects of a target, as its parts name them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::layout::{self, Location};
use netboot_core::{ReleaseId, ReleasePath, Sha256Digest};

use super::artifact::{Entries, Kind, Stored};
use super::client::Client;
use super::manifests::{self, Found};
use super::{blob, tag};
use crate::error::Error;

/// The number of times that the list of tags is read again when a listed part is gone.
const LOOKS: usize = 10;
/// The number of looks after which a listed tag that leads nowhere is no part. Docker's registry
/// lists a new tag a moment before the tag leads to its manifest. So a tag that leads nowhere may
/// be a part in the next look, when the parts that it replaces are gone.
const LOOKS_AT_NOTHING: usize = 3;
/// The wait before the last of these looks.
const TAG_TIME: Duration = Duration::from_millis(50);
/// The most blobs that the registry is asked for, each by a request.
const MOST_QUESTIONS: usize = 64;
/// The number of parts that are read at first while objects are sought, and then twice as many each
/// time.
const FIRST: usize = 2;

/// An artifact with objects. Nobody changes a part: a new one takes its place.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) tag: String,
    pub(super) digest: Sha256Digest,
    /// The size of the manifest in bytes, if it is the one of a whole release.
    pub(super) size_of_release: Option<u64>,
    pub(super) entries: Entries,
}

impl Part {
    /// The release that the part belongs to. A part of blobs belongs to none.
    pub(super) fn release(&self) -> Option<ReleaseId> {
        self.entries.keys().find_map(release_of)
    }
}

/// The release that the path of a file belongs to.
pub(super) fn release_of(path: &ReleasePath) -> Option<ReleaseId> {
    match Location::parse(path.as_str()) {
        Some(Location::InRelease { release, .. }) => Some(release),
        _ => None,
    }
}

/// Parts of a target at one moment, and the objects that they name.
#[derive(Debug, Clone, Default)]
pub(super) struct Objects {
    /// By tag, so that older parts come first.
    pub(super) parts: BTreeMap<String, Arc<Part>>,
    /// With the tags of the parts that name them.
    paths: BTreeMap<ReleasePath, (Stored, String)>,
}

impl Objects {
    fn add(&mut self, part: Arc<Part>) {
        for (path, stored) in &part.entries {
            match self.paths.get(path) {
                Some((there, _)) if there.order() > stored.order() => {}
                _ => _ = self.paths.insert(path.clone(), (stored.clone(), part.tag.clone())),
            }
        }
        self.parts.insert(part.tag.clone(), part);
    }

    pub(super) fn get(&self, path: &ReleasePath) -> Option<&Stored> {
        self.paths.get(path).map(|(stored, _)| stored)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ReleasePath, &Stored)> {
        self.paths.iter().map(|(path, (stored, _))| (path, stored))
    }
}

/// The parts that a question is about.
#[derive(Debug)]
pub(super) enum Scope<'a> {
    /// All parts.
    All,
    /// The parts of these releases, the parts of no release, and of the others as many as are
    /// needed to find these objects.
    Some { releases: BTreeSet<ReleaseId>, sought: Vec<&'a ReleasePath> },
}

impl<'a> Scope<'a> {
    /// The parts that name objects.
    pub(super) fn of(paths: impl IntoIterator<Item = &'a ReleasePath>) -> Self {
        let (mut releases, mut sought) = (BTreeSet::new(), Vec::new());
        for path in paths {
            match release_of(path) {
                Some(release) => _ = releases.insert(release),
                None => sought.push(path),
            }
        }
        Self::Some { releases, sought }
    }

    /// Returns true for a part that is read again though its tag is listed. Docker's registry may
    /// list the tag of a part for ever that two other publishers deleted at the same moment. So
    /// nothing is concluded from remembered parts of the releases that the question is about, or
    /// from one that says that a release is incomplete.
    fn doubts(&self, part: &Part) -> bool {
        let Some(release) = part.release() else { return false };
        let is_asked = match self {
            Self::All => false,
            Self::Some { releases, .. } => releases.contains(&release),
        };
        let incomplete = layout::in_release(&release, &layout::incomplete_manifest());
        is_asked || part.entries.contains_key(&incomplete)
    }

    fn has(&self, tag: &str) -> bool {
        match self {
            Self::All => true,
            Self::Some { releases, .. } => {
                tag::release_of_part(tag).is_none_or(|release| releases.contains(&release))
            }
        }
    }
}

/// Remembers parts, so that each is read once.
#[derive(Debug, Default)]
pub(super) struct Index {
    known: Mutex<Arc<Objects>>,
    /// The listed tags of parts that are deleted. If publishers delete a part at the same moment,
    /// Docker's registry may list its tag for ever.
    gone: Mutex<BTreeSet<String>>,
    /// Other listed tags that lead nowhere. They are asked for again, in case they are new.
    nowhere: Mutex<BTreeSet<String>>,
}

/// The outcome of one look at the parts.
enum Look {
    /// Nothing was changed meanwhile.
    Whole(Arc<Objects>, Vec<String>),
    /// A part was replaced by another one after the tags were listed, or a tag is new.
    Changed,
    /// A tag leads nowhere, as in the look before.
    Nowhere,
}

impl Index {
    /// Reads the list of tags, and the parts of the scope that this process does not know yet. May
    /// return others as well.
    pub(super) async fn read(
        &self,
        client: &Client,
        scope: &Scope<'_>,
    ) -> Result<Arc<Objects>, Error> {
        Ok(self.read_with_tags(client, scope).await?.0)
    }

    /// Returns the tags that are no parts as well.
    pub(super) async fn read_with_tags(
        &self,
        client: &Client,
        scope: &Scope<'_>,
    ) -> Result<(Arc<Objects>, Vec<String>), Error> {
        let mut missing = BTreeMap::new();
        for look in 1.. {
            // Publishers cannot replace so many parts in turn.
            match self.look(client, scope, &mut missing, look >= LOOKS).await? {
                Look::Whole(objects, others) => return Ok((objects, others)),
                Look::Changed => {}
                Look::Nowhere => tokio::time::sleep(TAG_TIME).await,
            }
        }
        Ok((Arc::default(), Vec::new()))
    }

    /// Remembers a part that this process wrote.
    pub(super) fn add(&self, part: Arc<Part>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut known).add(part);
    }

    /// Forgets a part that is deleted. No other part gets its tag.
    pub(super) fn forget(&self, tag: &str) {
        self.gone().insert(tag.to_owned());
    }

    /// `missing` counts for each tag the looks that found nothing.
    async fn look(
        &self,
        client: &Client,
        scope: &Scope<'_>,
        missing: &mut BTreeMap<String, usize>,
        ignore: bool,
    ) -> Result<Look, Error> {
        let tags = manifests::tags(client).await?;
        let (tags, others): (Vec<_>, Vec<_>) = tags.into_iter().partition(|tag| tag::is_part(tag));
        let mut tags: BTreeSet<String> = tags.into_iter().collect();
        {
            let mut gone = self.gone();
            gone.retain(|tag| tags.contains(tag));
            tags.retain(|tag| !gone.contains(tag));
            self.nowhere().retain(|tag| tags.contains(tag));
        }
        let mut objects = self.known();
        let stays = |part: &&Arc<Part>| tags.contains(&part.tag) && !scope.doubts(part);
        if !objects.parts.values().all(|part| stays(&part)) {
            let mut left = Objects::default();
            objects.parts.values().filter(stays).cloned().for_each(|part| left.add(part));
            objects = Arc::new(left);
        }
        let unknown = tags.into_iter().filter(|tag| !objects.parts.contains_key(tag));
        let (wanted, mut rest) = unknown.partition::<Vec<_>, _>(|tag| scope.has(tag));
        self.remember(&objects);
        if let Some(look) = self.load(client, &mut objects, wanted, missing, ignore).await? {
            return Ok(look);
        }
        if let Scope::Some { sought, .. } = scope {
            let is_missing = |path: &&&ReleasePath| objects.get(path).is_none();
            let mut absent: Vec<_> = sought.iter().filter(is_missing).copied().collect();
            // Most objects that are nowhere are blobs that the registry does not have.
            if !rest.is_empty() && absent.len() <= MOST_QUESTIONS {
                let blob = |path: &ReleasePath| match Location::parse(path.as_str()) {
                    Some(Location::Blob(sha256)) => Some(sha256),
                    _ => None,
                };
                let blobs = absent.iter().filter_map(|path| blob(path)).collect();
                let missing = blob::missing(client, blobs).await?;
                absent.retain(|path| !blob(path).is_some_and(|blob| missing.contains(&blob)));
            }
            // The newest release has most of what the next one has.
            let mut at_once = FIRST;
            while !rest.is_empty() && absent.iter().any(|path| objects.get(path).is_none()) {
                let newest = rest.split_off(rest.len().saturating_sub(at_once));
                at_once *= 2;
                if let Some(look) = self.load(client, &mut objects, newest, missing, ignore).await?
                {
                    return Ok(look);
                }
            }
        }
        Ok(Look::Whole(objects, others))
    }

    /// Reads parts, and remembers them. Returns how the look ends if a part is not there.
    async fn load(
        &self,
        client: &Client,
        objects: &mut Arc<Objects>,
        tags: Vec<String>,
        missing: &mut BTreeMap<String, usize>,
        ignore: bool,
    ) -> Result<Option<Look>, Error> {
        if tags.is_empty() {
            return Ok(None);
        }
        let read = stream::iter(tags)
            .map(|tag| async move { Ok::<_, Error>((manifests::get(client, &tag).await?, tag)) })
            .buffer_unordered(client.settings.parallelism);
        let read: Vec<_> = read.try_collect().await?;
        let loaded = Arc::make_mut(objects);
        let mut nowhere = self.nowhere();
        let mut fewest = LOOKS_AT_NOTHING;
        for (found, tag) in read {
            if let Some(Found { digest, kind, json, entries }) = found {
                let size_of_release = (kind == Kind::Release).then_some(json.len() as u64);
                nowhere.remove(&tag);
                loaded.add(Arc::new(Part { tag, digest, size_of_release, entries }));
            } else {
                let looks = missing.entry(tag.clone()).or_default();
                *looks += 1;
                if *looks >= LOOKS_AT_NOTHING {
                    nowhere.insert(tag);
                } else if !nowhere.contains(&tag) {
                    fewest = fewest.min(*looks);
                }
            }
        }
        drop(nowhere);
        self.remember(objects);
        Ok(match fewest {
            _ if ignore => None,
            LOOKS_AT_NOTHING.. => None,
            1 => Some(Look::Changed),
            _ => Some(Look::Nowhere),
        })
    }

    fn remember(&self, objects: &Arc<Objects>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = objects.clone();
    }

    fn nowhere(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.nowhere.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gone(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> Arc<Objects> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
