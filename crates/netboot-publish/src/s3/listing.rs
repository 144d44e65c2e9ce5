//! Finds objects: one by one, or in listings if that takes fewer requests.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::SystemTime;

use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::ReleasePath;
use netboot_core::layout::{self, Area};
use object_store::ObjectStoreExt;

use super::page::{ListedObject, PageStart};
use super::target::Target;
use crate::error::Error;
use crate::store::{Entry, ListScope, Listed};

/// The number of simultaneous requests for single objects.
const PARALLEL_HEADS: usize = 32;
/// The number of simultaneous requests for pages of one directory.
const PARALLEL_PAGES: usize = 16;
/// The number of directories whose pages are requested at once.
const PARALLEL_DIRECTORIES: usize = 4;
/// The number of objects from which one page of a listing replaces requests for single objects. A
/// page costs the server several times as much as one such request.
const HEADS_FOR_A_PAGE: usize = 8;

pub(super) async fn list(target: &Target, scope: &ListScope) -> Result<Vec<Listed>, Error> {
    let (prefix, objects) = match scope {
        ListScope::Root => {
            let prefix = target.keys.prefix().to_owned();
            let objects = target.client.objects(&prefix, true).await?;
            (prefix, objects)
        }
        ListScope::Below(path) => {
            let prefix = format!("{}/", target.keys.key(path));
            let objects = if *path == layout::blobs() || *path == layout::releases() {
                target.client.objects_by_digest(&prefix).await?
            } else {
                target.client.objects(&prefix, false).await?
            };
            (prefix, objects)
        }
    };
    // One listing may have 100,000 entries, so no other copy of its names is made.
    let objects = objects.into_iter().filter(|object| object.key != prefix);
    // Consoles make folders of empty objects, and gateways show the directories that deleted
    // objects were in.
    let listed = objects.filter(|object| object.size > 0 || !object.key.ends_with('/'));
    let listed = listed.filter_map(|mut object| {
        let path = target.keys.path(&object.key)?;
        let begin = object.key.len() - path.len();
        let entry = entry(&object);
        object.key.drain(..begin);
        Some(Listed { path: object.key, entry })
    });
    Ok(listed.collect())
}

pub(super) async fn stat(
    target: &Target,
    paths: &[ReleasePath],
) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
    let mut found = BTreeMap::new();
    let mut one_by_one = Vec::new();
    let mut directories = Vec::new();
    for (directory, paths) in together(paths) {
        if directory.is_empty() {
            one_by_one.extend(paths);
        } else {
            let prefix = format!("{}{directory}/", target.keys.prefix());
            directories.push(by_pages(target, prefix, paths));
        }
    }
    let directories = stream::iter(directories).buffer_unordered(PARALLEL_DIRECTORIES);
    let sought: Vec<Sought<'_>> = directories.try_collect().await?;
    for sought in sought {
        found.extend(sought.found);
        one_by_one.extend(sought.left);
    }
    let heads: Vec<_> = one_by_one.into_iter().map(|path| head(target, path)).collect();
    let mut heads = stream::iter(heads).buffer_unordered(PARALLEL_HEADS);
    while let Some((path, entry)) = heads.try_next().await? {
        found.extend(entry.map(|entry| (path.clone(), entry)));
    }
    Ok(found)
}

/// Sorts paths by the directories that are listed for them: that of a release, that of all
/// releases if the paths are in several, and that of the blobs. The root is not listed.
fn together(paths: &[ReleasePath]) -> BTreeMap<&str, Vec<&ReleasePath>> {
    let mut together: BTreeMap<&str, BTreeSet<&ReleasePath>> = BTreeMap::new();
    let mut releases: BTreeSet<&str> = BTreeSet::new();
    for path in paths {
        let of_release = (Area::of(path.as_str()) == Area::Releases).then(|| directory(path, 2));
        let directory = of_release.unwrap_or_else(|| directory(path, 1));
        releases.extend(of_release.filter(|directory| !directory.is_empty()));
        together.entry(directory).or_default().insert(path);
    }
    if releases.len() > 1 {
        let of_all = releases.iter().filter_map(|release| together.remove(release)).flatten();
        let of_all: BTreeSet<&ReleasePath> = of_all.collect();
        if let Some(first) = of_all.first() {
            together.entry(directory(first, 1)).or_default().extend(of_all);
        }
    }
    let sorted = together.into_iter();
    sorted.map(|(directory, paths)| (directory, paths.into_iter().collect())).collect()
}

/// The objects that were looked up in pages, and the paths to look at one by one.
struct Sought<'a> {
    found: Vec<(ReleasePath, Entry)>,
    left: Vec<&'a ReleasePath>,
}

/// Looks up `paths`, which are sorted, in pages of their directory, as long as each page contains
/// enough of them. If the first page leaves many, several pages are requested at once.
async fn by_pages<'a>(
    target: &Target,
    prefix: String,
    paths: Vec<&'a ReleasePath>,
) -> Result<Sought<'a>, Error> {
    let mut all = Sought { found: Vec::new(), left: Vec::new() };
    let count = paths.len();
    let (left, is_worth_it) = follow(target, &prefix, &paths, 1, &mut all.found).await?;
    let seen = count - left.len();
    if left.is_empty() || !is_worth_it {
        all.left.extend(left);
        return Ok(all);
    }
    let spans = left.len().div_ceil(seen.max(1)).clamp(1, PARALLEL_PAGES);
    let parts = left.chunks(left.len().div_ceil(spans));
    let parts: Vec<_> = parts.map(|part| follow_all(target, &prefix, part)).collect();
    let parts = stream::iter(parts).buffer_unordered(PARALLEL_PAGES);
    let parts: Vec<Sought<'_>> = parts.try_collect().await?;
    for part in parts {
        all.found.extend(part.found);
        all.left.extend(part.left);
    }
    Ok(all)
}

async fn follow_all<'a>(
    target: &Target,
    prefix: &str,
    paths: &[&'a ReleasePath],
) -> Result<Sought<'a>, Error> {
    let mut found = Vec::new();
    let (left, _) = follow(target, prefix, paths, usize::MAX, &mut found).await?;
    Ok(Sought { found, left: left.to_vec() })
}

/// Looks up `paths`, which are sorted, in at most `limit` pages one after another. Returns the
/// paths that are not known yet, and whether the last page contained enough of them.
async fn follow<'a, 'b>(
    target: &Target,
    prefix: &str,
    mut paths: &'b [&'a ReleasePath],
    limit: usize,
    found: &mut Vec<(ReleasePath, Entry)>,
) -> Result<(&'b [&'a ReleasePath], bool), Error> {
    let mut begin = String::new();
    for _ in 0..limit {
        if paths.len() < HEADS_FOR_A_PAGE {
            return Ok((paths, false));
        }
        // Start right before the first path, and not before the end of the last page.
        let mut first = target.keys.key(paths[0]).to_string();
        first.pop();
        let from = if first < begin { &begin } else { &first };
        let page = target.client.page(prefix, false, PageStart::Behind(from)).await?;
        let last = page.objects.last().map(|object| object.key.clone());
        let there: HashMap<&str, &ListedObject> =
            page.objects.iter().map(|object| (object.key.as_str(), object)).collect();
        // The paths after the end of the page are not known yet.
        let is_known = |key: &str| {
            page.next.is_none() || last.as_ref().is_some_and(|last| key <= last.as_str())
        };
        let mut known = 0;
        for path in paths {
            let key = target.keys.key(path);
            if !is_known(key.as_ref()) {
                break;
            }
            found.extend(there.get(key.as_ref()).map(|object| ((*path).clone(), entry(object))));
            known += 1;
        }
        paths = &paths[known..];
        // This also stops if a server ignores the requested start.
        if known < HEADS_FOR_A_PAGE {
            return Ok((paths, false));
        }
        begin = last.unwrap_or(begin);
    }
    Ok((paths, true))
}

async fn head<'a>(
    target: &Target,
    path: &'a ReleasePath,
) -> Result<(&'a ReleasePath, Option<Entry>), Error> {
    let key = target.keys.key(path);
    let entry = match target.client.reads.head(&key).await {
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
    };
    Ok((path, entry?))
}

fn entry(object: &ListedObject) -> Entry {
    Entry::Object { size: object.size, modified: object.modified }
}

/// The first parts of a path, or an empty text if it has no more parts than that.
fn directory(path: &ReleasePath, depth: usize) -> &str {
    let path = path.as_str();
    path.match_indices('/').nth(depth - 1).map_or("", |(at, _)| &path[..at])
}
