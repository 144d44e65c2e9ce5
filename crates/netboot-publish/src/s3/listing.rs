//! Finds objects: one by one, or in listings if that takes fewer requests.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::ReleasePath;
use netboot_core::layout::Area;
use object_store::ObjectStoreExt;

use super::page::{ListedObject, PageStart};
use super::target::Target;
use crate::error::Error;
use crate::store::{Entry, ListScope, Listed};

/// The number of simultaneous requests for single objects.
const PARALLEL_HEADS: usize = 16;
/// The number of objects from which one page of a listing replaces requests for single objects. A
/// page costs the server several times as much as one such request.
const HEADS_FOR_A_PAGE: usize = 8;

pub(super) async fn list(target: &Target, scope: &ListScope) -> Result<Vec<Listed>, Error> {
    let (prefix, shallow) = match scope {
        ListScope::Root => (target.keys.prefix().to_owned(), true),
        ListScope::Below(path) => (format!("{}/", target.keys.key(path)), false),
    };
    let objects = target.client.objects(&prefix, shallow).await?;
    let listed = objects.iter().filter(|object| object.key != prefix).filter_map(|object| {
        let path = target.keys.path(&object.key)?.to_owned();
        Some(Listed { path, entry: entry(object) })
    });
    Ok(listed.collect())
}

pub(super) async fn stat(
    target: &Target,
    paths: &[ReleasePath],
) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
    // Group the paths by directory: the files of one release, the blobs, and the root.
    let mut together: BTreeMap<&str, BTreeSet<&ReleasePath>> = BTreeMap::new();
    for path in paths {
        together.entry(directory(path)).or_default().insert(path);
    }
    let mut found = BTreeMap::new();
    let mut one_by_one = Vec::new();
    for (directory, paths) in together {
        let mut paths: Vec<&ReleasePath> = paths.into_iter().collect();
        if !directory.is_empty() {
            found.extend(by_pages(target, directory, &mut paths).await?);
        }
        one_by_one.extend(paths.into_iter().cloned());
    }
    let mut heads = stream::iter(one_by_one)
        .map(|path| async move { Ok::<_, Error>((head(target, &path).await?, path)) })
        .buffer_unordered(PARALLEL_HEADS);
    while let Some((entry, path)) = heads.try_next().await? {
        found.extend(entry.map(|entry| (path, entry)));
    }
    Ok(found)
}

/// Looks up `paths`, which are sorted, in pages of their directory, as long as each page contains
/// enough of them. Leaves in `paths` the objects to look at one by one.
async fn by_pages(
    target: &Target,
    directory: &str,
    paths: &mut Vec<&ReleasePath>,
) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
    let mut found = BTreeMap::new();
    let prefix = format!("{}{directory}/", target.keys.prefix());
    let mut begin = String::new();
    while paths.len() >= HEADS_FOR_A_PAGE {
        // Start right before the first path, and not before the end of the last page.
        let mut first = target.keys.key(paths[0]).to_string();
        first.pop();
        let from = if first < begin { &begin } else { &first };
        let page = target.client.page(&prefix, false, PageStart::Behind(from)).await?;
        let last = page.objects.last().map(|object| object.key.clone());
        let there: BTreeMap<&str, &ListedObject> =
            page.objects.iter().map(|object| (object.key.as_str(), object)).collect();
        let before = paths.len();
        paths.retain(|path| {
            let key = target.keys.key(path).to_string();
            if let Some(object) = there.get(key.as_str()) {
                found.insert((*path).clone(), entry(object));
            }
            // Keep the paths after the end of the page: they are not known yet.
            page.next.is_some() && last.as_ref().is_none_or(|last| key > *last)
        });
        // This also stops if a server ignores the requested start.
        if before - paths.len() < HEADS_FOR_A_PAGE {
            break;
        }
        begin = last.unwrap_or(begin);
    }
    Ok(found)
}

async fn head(target: &Target, path: &ReleasePath) -> Result<Option<Entry>, Error> {
    let key = target.keys.key(path);
    match target.client.reads.head(&key).await {
        Ok(meta) => {
            let modified = SystemTime::from(meta.last_modified);
            Ok(Some(Entry::Object { size: meta.size, modified }))
        }
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        // An answer to HEAD has no body and so no reason. Request one byte instead.
        Err(error) => match target.client.reads.get_range(&key, 0..1).await {
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(explained) => Err(target.client.error("look at", &key, explained)),
            Ok(_) => Err(target.client.error("look at", &key, error)),
        },
    }
}

fn entry(object: &ListedObject) -> Entry {
    Entry::Object { size: object.size, modified: object.modified }
}

/// The directory to list for a path. Empty for the root.
fn directory(path: &ReleasePath) -> &str {
    let path = path.as_str();
    let depth = if Area::of(path) == Area::Releases { 2 } else { 1 };
    path.match_indices('/').nth(depth - 1).map_or("", |(at, _)| &path[..at])
}
