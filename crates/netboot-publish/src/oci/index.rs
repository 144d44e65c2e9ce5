//! The objects of a target, as its parts name them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::layout::Location;
use netboot_core::{ReleaseId, ReleasePath, Sha256Digest};

use super::artifact::{Entries, Stored};
use super::client::Client;
use super::{manifests, tag};
use crate::error::Error;

/// The number of times that the list of tags is read again when a listed part is gone.
const LOOKS: usize = 10;

/// An artifact with objects. Nobody changes a part: a new one takes its place.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) tag: String,
    pub(super) digest: Sha256Digest,
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

/// The parts of a target at one moment, and the objects that they name.
#[derive(Debug, Clone, Default)]
pub(super) struct Objects {
    /// By tag, so that older parts come first.
    pub(super) parts: Arc<BTreeMap<String, Arc<Part>>>,
    paths: Arc<Entries>,
}

impl Objects {
    fn of(parts: BTreeMap<String, Arc<Part>>) -> Self {
        let mut paths = Entries::new();
        for part in parts.values() {
            for (path, stored) in &part.entries {
                // The last part comes last, so that it wins a tie.
                match paths.get(path) {
                    Some(newer) if newer.modified > stored.modified => {}
                    _ => _ = paths.insert(path.clone(), stored.clone()),
                }
            }
        }
        Self { parts: Arc::new(parts), paths: Arc::new(paths) }
    }

    pub(super) fn get(&self, path: &ReleasePath) -> Option<&Stored> {
        self.paths.get(path)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ReleasePath, &Stored)> {
        self.paths.iter()
    }
}

/// Remembers parts, so that each is read once.
#[derive(Debug, Default)]
pub(super) struct Index {
    known: Mutex<Objects>,
}

impl Index {
    /// Reads the list of tags, and the parts that this process does not know yet.
    pub(super) async fn read(&self, client: &Client) -> Result<Objects, Error> {
        Ok(self.read_with_tags(client).await?.0)
    }

    /// Returns the tags that are no parts as well.
    pub(super) async fn read_with_tags(
        &self,
        client: &Client,
    ) -> Result<(Objects, Vec<String>), Error> {
        for look in 1.. {
            // After many looks, the registry lists tags that lead nowhere.
            if let Some(read) = self.look(client, look >= LOOKS).await? {
                return Ok(read);
            }
        }
        Ok((Objects::default(), Vec::new()))
    }

    /// Returns `None` if a part was replaced by another one after the tags were listed.
    async fn look(
        &self,
        client: &Client,
        ignore: bool,
    ) -> Result<Option<(Objects, Vec<String>)>, Error> {
        let tags = manifests::tags(client).await?;
        let (tags, others) = tags.into_iter().partition::<Vec<_>, _>(|tag| tag::is_part(tag));
        let known = self.known();
        let mut parts = BTreeMap::new();
        let mut unknown = Vec::new();
        for tag in tags {
            match known.parts.get(&tag) {
                Some(part) => _ = parts.insert(tag, part.clone()),
                None => unknown.push(tag),
            }
        }
        if unknown.is_empty() && parts.len() == known.parts.len() {
            return Ok(Some((known, others)));
        }
        let read = stream::iter(unknown)
            .map(|tag| async move { Ok::<_, Error>((manifests::get(client, &tag).await?, tag)) })
            .buffer_unordered(client.settings.parallelism);
        let read: Vec<_> = read.try_collect().await?;
        for (found, tag) in read {
            match found {
                Some(found) => {
                    let part =
                        Part { tag: tag.clone(), digest: found.digest, entries: found.entries };
                    parts.insert(tag, Arc::new(part));
                }
                None if ignore => {}
                None => return Ok(None),
            }
        }
        let objects = Objects::of(parts);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = objects.clone();
        Ok(Some((objects, others)))
    }

    fn known(&self) -> Objects {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
