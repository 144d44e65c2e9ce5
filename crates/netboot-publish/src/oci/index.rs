//! Finds the parts of a target, and remembers them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::ReleasePath;

use super::artifact::Kind;
use super::client::Client;
use super::manifests::{self, Found};
use super::objects::Objects;
use super::part::{Part, blob_of};
use super::scope::Scope;
use super::summary::Summary;
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
/// The most blobs that the registry is asked for, each by a request, before any part of another
/// release is read.
const FEW_QUESTIONS: usize = 64;
/// The most blobs that the registry is asked for after the newest parts are read.
const MOST_QUESTIONS: usize = 4096;
/// The fewest wanted parts for which a summary is read.
const WORTH_A_SUMMARY: usize = 3;
/// The most bytes of compressed manifests of releases that stay in memory: 16 MiB.
const MOST_DOCUMENTS: usize = 16 * 1024 * 1024;
/// The number of parts that are read at first while objects are sought, and then twice as many each
/// time.
const FIRST: usize = 2;

/// Remembers parts, so that each is read once.
#[derive(Debug, Default)]
pub(super) struct Index {
    known: Mutex<Arc<Objects>>,
    /// The listed tags of parts that are deleted. If publishers delete a part at the same moment,
    /// Docker's registry may list its tag for ever.
    gone: Mutex<BTreeSet<String>>,
    /// Other listed tags that lead nowhere. They are asked for again, in case they are new.
    nowhere: Mutex<BTreeSet<String>>,
    /// The summaries that were listed, and the tags of the parts that none of them covers.
    summaries: Mutex<(Vec<Summary>, Vec<String>)>,
    /// Held while all parts are read, so that two questions at the same moment read them once.
    all: tokio::sync::Mutex<()>,
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
        let _alone = match scope {
            Scope::All => Some(self.all.lock().await),
            Scope::Some { .. } => None,
        };
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
        self.note_summaries(&others, &tags);
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
        if let Some(look) = self.load(client, &mut objects, wanted, scope, missing, ignore).await? {
            return Ok(look);
        }
        if let Scope::Some { sought, .. } = scope {
            let mut absent: Vec<&ReleasePath> = sought.clone();
            // The newest release has most of what the next one has.
            let (mut at_once, mut limit, mut is_asked) = (FIRST, FEW_QUESTIONS, false);
            loop {
                absent.retain(|path| !objects.has(path));
                // Most objects that are nowhere are blobs that the registry does not have.
                if !rest.is_empty() && !is_asked && absent.len() <= limit {
                    let blobs = absent.iter().filter_map(|path| blob_of(path)).collect();
                    let missing = blob::missing(client, blobs).await?;
                    absent.retain(|path| !blob_of(path).is_some_and(|it| missing.contains(&it)));
                    is_asked = true;
                }
                if rest.is_empty() || absent.is_empty() {
                    break;
                }
                let newest = rest.split_off(rest.len().saturating_sub(at_once));
                (at_once, limit) = (at_once * 2, MOST_QUESTIONS);
                let look = self.load(client, &mut objects, newest, scope, missing, ignore).await?;
                if let Some(look) = look {
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
        scope: &Scope<'_>,
        missing: &mut BTreeMap<String, usize>,
        ignore: bool,
    ) -> Result<Option<Look>, Error> {
        if tags.is_empty() {
            return Ok(None);
        }
        let tags = self.load_summaries(client, objects, tags, scope).await?;
        let mut reads = stream::iter(tags)
            .map(|tag| async move { Ok::<_, Error>((manifests::get(client, &tag).await?, tag)) })
            .buffer_unordered(client.settings.parallelism);
        let (mut parts, mut lost) = (Vec::new(), Vec::new());
        while let Some((found, tag)) = reads.try_next().await? {
            // Only what the part keeps of the manifest stays in memory.
            match found {
                Some(Found { digest, kind, json, entries }) => {
                    let size = (kind == Kind::Release).then_some(json.len() as u64);
                    parts.push(Arc::new(Part::new(tag, digest, size, entries)));
                }
                None => lost.push(tag),
            }
        }
        drop(reads);
        let loaded = Arc::make_mut(objects);
        let mut nowhere = self.nowhere();
        for part in parts {
            nowhere.remove(&part.tag);
            loaded.add(part);
        }
        let mut fewest = LOOKS_AT_NOTHING;
        for tag in lost {
            let looks = missing.entry(tag.clone()).or_default();
            *looks += 1;
            if *looks >= LOOKS_AT_NOTHING {
                nowhere.insert(tag);
            } else if !nowhere.contains(&tag) {
                fewest = fewest.min(*looks);
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

    /// Reads the summaries that have many of these parts, and adds the parts. Returns the tags of
    /// the others.
    async fn load_summaries(
        &self,
        client: &Client,
        objects: &mut Arc<Objects>,
        tags: Vec<String>,
        scope: &Scope<'_>,
    ) -> Result<Vec<String>, Error> {
        let mut tags: BTreeSet<String> = tags.into_iter().collect();
        let is_worth = |summary: &Summary| {
            tags.iter().filter(|tag| summary.covers(tag)).count() >= WORTH_A_SUMMARY
        };
        let listed = self.summaries().0.clone();
        let worth: Vec<Summary> = listed.into_iter().filter(is_worth).collect();
        let wanted = &tags;
        let mut reads = stream::iter(worth)
            .map(|summary| async move { summary.read(client, wanted).await })
            .buffer_unordered(client.settings.parallelism);
        let mut parts = Vec::new();
        let mut room = MOST_DOCUMENTS.saturating_sub(objects.documents_size());
        while let Some(read) = reads.try_next().await? {
            for part in read.into_iter().flatten().filter(|part| !scope.doubts(part)) {
                let left = room.checked_sub(part.document_size());
                room = left.unwrap_or(room);
                parts.push(if left.is_some() { part } else { part.with_document(None) });
            }
        }
        drop(reads);
        if !parts.is_empty() {
            let loaded = Arc::make_mut(objects);
            for part in parts {
                tags.remove(&part.tag);
                loaded.add(Arc::new(part));
            }
        }
        Ok(tags.into_iter().collect())
    }

    fn note_summaries(&self, others: &[String], tags: &BTreeSet<String>) {
        let summaries: Vec<Summary> = others.iter().filter_map(|tag| Summary::parse(tag)).collect();
        let is_alone = |tag: &&String| !summaries.iter().any(|summary| summary.covers(tag));
        let alone = tags.iter().filter(is_alone).cloned().collect();
        *self.summaries() = (summaries, alone);
    }

    /// The tags of the parts that no summary covers, the oldest first.
    pub(super) fn without_summary(&self) -> Vec<String> {
        self.summaries().1.clone()
    }

    /// The summaries that cover one of these parts.
    pub(super) fn summaries_of(&self, parts: &[Arc<Part>]) -> Vec<Summary> {
        let covers = |summary: &&Summary| parts.iter().any(|part| summary.covers(&part.tag));
        self.summaries().0.iter().filter(covers).cloned().collect()
    }

    /// Forgets a summary that is deleted.
    pub(super) fn forget_summary(&self, summary: &Summary) {
        self.summaries().0.retain(|it| it != summary);
    }

    fn summaries(&self) -> MutexGuard<'_, (Vec<Summary>, Vec<String>)> {
        self.summaries.lock().unwrap_or_else(PoisonError::into_inner)
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
