//! Checking that a release is whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use netboot_core::{Context, Manifest, ReleasePath};

use crate::error::Error;
use crate::finding::Finding;
use crate::publisher::checks::contents::check_contents;
use crate::publisher::checks::depth::VerifyDepth;
use crate::publisher::checks::objects::{Objects, required};
use crate::store::{Entry, Store};

/// Compares the size of one object.
pub(crate) fn finding(path: &ReleasePath, size: u64, entry: Option<&Entry>) -> Option<Finding> {
    let path = path.clone();
    match entry {
        None => Some(Finding::Missing { path }),
        Some(entry) if entry.size() == Some(size) => None,
        Some(entry) => Some(Finding::WrongSize { path, expected: size, found: entry.size() }),
    }
}

/// Separates objects that are missing or have the wrong size in `found` from the sound ones.
pub(crate) fn compare_sizes(
    objects: Objects,
    found: &BTreeMap<ReleasePath, Entry>,
) -> (Vec<Finding>, Objects) {
    let (mut findings, mut sound) = (Vec::new(), Objects::new());
    for (path, content) in objects {
        match finding(&path, content.size, found.get(&path)) {
            Some(finding) => findings.push(finding),
            None => drop(sound.insert(path, content)),
        }
    }
    (findings, sound)
}

/// Separates objects that are missing or have the wrong size at the target from the sound ones.
pub(crate) async fn check_sizes(
    store: &dyn Store,
    objects: Objects,
) -> Result<(Vec<Finding>, Objects), Error> {
    let paths: Vec<ReleasePath> = objects.keys().cloned().collect();
    let found = store.stat(&paths).await?;
    Ok(compare_sizes(objects, &found))
}

/// Finds the damage of a release with this manifest, at this depth.
pub(crate) async fn findings(
    store: &Arc<dyn Store>,
    manifest: &Manifest,
    depth: VerifyDepth,
    context: &Context,
) -> Result<Vec<Finding>, Error> {
    let sizes = check_sizes(store.as_ref(), required(manifest)).await?;
    read_deeper(store, manifest, sizes, depth, context).await
}

/// Reads objects of the right size as far as `depth` says, and adds the damaged ones to the
/// findings.
async fn read_deeper(
    store: &Arc<dyn Store>,
    manifest: &Manifest,
    (mut findings, sound): (Vec<Finding>, Objects),
    depth: VerifyDepth,
    context: &Context,
) -> Result<Vec<Finding>, Error> {
    let to_read = depth.to_read(sound, manifest.blobs());
    findings.extend(check_contents(store, to_read, context).await?.0);
    Ok(findings)
}

/// Fails unless a release with this manifest is whole, at this depth.
pub(crate) async fn require_whole(
    store: &Arc<dyn Store>,
    manifest: &Manifest,
    depth: VerifyDepth,
    context: &Context,
) -> Result<(), Error> {
    not_whole(manifest, findings(store, manifest, depth, context).await?)
}

/// Fails unless a release is whole. `found` has the entries of its objects.
pub(crate) async fn require_whole_in(
    found: &BTreeMap<ReleasePath, Entry>,
    store: &Arc<dyn Store>,
    manifest: &Manifest,
    depth: VerifyDepth,
    context: &Context,
) -> Result<(), Error> {
    let sizes = compare_sizes(required(manifest), found);
    not_whole(manifest, read_deeper(store, manifest, sizes, depth, context).await?)
}

/// Fails unless a release is whole. Reads the objects whose entry in `found` differs from the entry
/// in `hashed`, when they were hashed.
pub(crate) async fn require_unchanged(
    store: &Arc<dyn Store>,
    manifest: &Manifest,
    hashed: &BTreeMap<ReleasePath, Entry>,
    found: &BTreeMap<ReleasePath, Entry>,
    context: &Context,
) -> Result<(), Error> {
    let (mut findings, mut changed) = compare_sizes(required(manifest), found);
    changed.retain(|path, _| hashed.get(path) != found.get(path));
    findings.extend(check_contents(store, changed, context).await?.0);
    not_whole(manifest, findings)
}

/// Fails if there are findings.
pub(crate) fn not_whole(manifest: &Manifest, findings: Vec<Finding>) -> Result<(), Error> {
    if findings.is_empty() {
        Ok(())
    } else {
        Err(Error::NotWhole { release: *manifest.release(), findings })
    }
}
