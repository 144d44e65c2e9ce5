//! Reads and lists the objects of a target.

use std::collections::BTreeMap;
use std::ops::Range;

use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::layout::Location;
use netboot_core::{ArtifactReader, ReleasePath};

use super::artifact::{Entries, Stored};
use super::client::Client;
use super::scope::Scope;
use super::target::Target;
use super::{blob, file, tag};
use crate::error::Error;
use crate::store::{DOCUMENT_LIMIT, Document, Entry, ListScope, Listed, Version};

/// The most blobs for which `stat` asks the registry, each by a request.
const MOST_QUESTIONS: usize = 1000;

impl Stored {
    pub(super) fn entry(&self) -> Entry {
        Entry::Object { size: self.size, modified: self.modified }
    }

    /// The version of an object that is no file of a tag of its own.
    pub(super) fn version(&self) -> Version {
        Version::new(self.sha256.to_string())
    }
}

pub(super) async fn stat(
    target: &Target,
    paths: &[ReleasePath],
) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
    let found = find_all(target, paths).await?;
    Ok(found.into_iter().map(|(path, stored)| (path, stored.entry())).collect())
}

/// Finds objects. Leaves out blobs that the registry has lost.
pub(super) async fn find_all(target: &Target, paths: &[ReleasePath]) -> Result<Entries, Error> {
    let client = target.client.as_ref();
    let (files, objects) = tag::split(paths.iter().cloned(), |path| path);
    let read = stream::iter(files)
        .map(|(tag, path)| async move {
            let file = file::get(client, &path, &tag).await?;
            Ok::<_, Error>(file.map(|file| (path, file.stored)))
        })
        .buffer_unordered(client.settings.parallelism);
    let read: Vec<_> = read.try_collect().await?;
    let mut found: Entries = read.into_iter().flatten().collect();
    if !objects.is_empty() {
        let known = target.index.read(client, &Scope::of(&objects)).await?;
        let entry = |path: ReleasePath| known.get(&path).map(|stored| (path, stored));
        let named: Entries = objects.into_iter().filter_map(entry).collect();
        found.extend(without_lost_blobs(client, named).await?);
    }
    Ok(found)
}

/// Leaves out blobs that artifacts name and the registry does not have. It is not asked if they are
/// many.
async fn without_lost_blobs(client: &Client, mut entries: Entries) -> Result<Entries, Error> {
    let is_unseen = |(path, stored): &(&ReleasePath, &Stored)| {
        matches!(Location::parse(path.as_str()), Some(Location::Blob(_)))
            && client.blobs.was_there(&stored.sha256) != Some(true)
    };
    let unseen: Vec<_> = entries.iter().filter(is_unseen).map(|(_, it)| it.sha256).collect();
    if unseen.len() > MOST_QUESTIONS {
        return Ok(entries);
    }
    let lost = blob::missing(client, unseen).await?;
    entries.retain(|_, stored| !lost.contains(&stored.sha256));
    Ok(entries)
}

pub(super) async fn list(target: &Target, scope: &ListScope) -> Result<Vec<Listed>, Error> {
    let client = target.client.as_ref();
    let is_in = |path: &ReleasePath| match scope {
        ListScope::Root => !path.as_str().contains('/'),
        ListScope::Below(directory) => {
            path.as_str().strip_prefix(directory.as_str()).is_some_and(|rest| rest.starts_with('/'))
        }
    };
    let listed = |(path, stored): (ReleasePath, Stored)| Listed {
        path: path.to_string(),
        entry: stored.entry(),
    };
    let (objects, tags) = target.index.read_with_tags(client, &Scope::All).await?;
    let tags = tags.into_iter().filter(|tag| tag::is_file(tag)).collect();
    let files = file::list(client, tags).await?;
    let all = objects.iter().chain(files);
    Ok(all.filter(|(path, _)| is_in(path)).map(listed).collect())
}

pub(super) async fn read(target: &Target, path: &ReleasePath) -> Result<Option<Document>, Error> {
    let client = target.client.as_ref();
    let Some((stored, version)) = find(target, path).await? else { return Ok(None) };
    if stored.size > DOCUMENT_LIMIT {
        let (path, size) = (path.clone(), stored.size);
        return Err(Error::TooLarge { path, size, limit: DOCUMENT_LIMIT });
    }
    let bytes = blob::read(client, &stored).await?;
    Ok(bytes.map(|bytes| Document { bytes, version }))
}

pub(super) async fn open(
    target: &Target,
    path: &ReleasePath,
    range: Range<u64>,
) -> Result<Option<ArtifactReader>, Error> {
    match find(target, path).await? {
        Some((stored, _)) => blob::open(&target.client, &stored, range).await,
        None => Ok(None),
    }
}

/// Finds one object, and the version of it.
pub(super) async fn find(
    target: &Target,
    path: &ReleasePath,
) -> Result<Option<(Stored, Version)>, Error> {
    let client = target.client.as_ref();
    if let Some(tag) = tag::of_file(path) {
        let file = file::get(client, path, &tag).await?;
        return Ok(file.map(|file| {
            let version = file.version();
            (file.stored, version)
        }));
    }
    let found = target.index.read(client, &Scope::of([path])).await?.get(path);
    Ok(found.map(|stored| {
        let version = stored.version();
        (stored, version)
    }))
}
