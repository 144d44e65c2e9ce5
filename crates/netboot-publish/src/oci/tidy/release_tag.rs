//! The tags under which people find whole releases.
//!
//! Another publisher may replace or delete an artifact while this one gives it such a tag. The tag
//! then brings the manifest back, and its blobs would never be collected.

use std::collections::BTreeSet;

use netboot_core::{ReleaseId, layout};

use crate::error::Error;
use crate::oci::objects::Objects;
use crate::oci::scope::Scope;
use crate::oci::target::Target;
use crate::oci::writing::put_patiently;
use crate::oci::{manifests, referrers, tag};

/// The most repetitions, if other publishers change the same release.
const ROUNDS: usize = 5;

/// Makes the tags of releases lead to parts, and deletes the ones that do not.
pub(super) async fn settle(
    target: &Target,
    mut releases: BTreeSet<ReleaseId>,
) -> Result<(), Error> {
    for _ in 0..ROUNDS {
        if releases.is_empty() {
            return Ok(());
        }
        let scope = Scope::Some { releases: releases.clone(), sought: Vec::new() };
        let objects = target.index.read(&target.client, &scope).await?;
        let mut changed = BTreeSet::new();
        for release in releases {
            if settle_once(target, &objects, &release).await? {
                changed.insert(release);
            }
        }
        releases = changed;
    }
    Ok(())
}

/// Returns true if the tag was changed.
async fn settle_once(
    target: &Target,
    objects: &Objects,
    release: &ReleaseId,
) -> Result<bool, Error> {
    let client = target.client.as_ref();
    let release_tag = tag::of_release(release);
    let found = manifests::get(client, &release_tag).await?;
    let is_part = |digest| objects.parts.values().any(|part| part.digest == digest);
    if found.as_ref().is_some_and(|found| is_part(found.digest)) {
        return Ok(false);
    }
    let manifest = layout::in_release(release, &layout::manifest());
    let incomplete = layout::in_release(release, &layout::incomplete_manifest());
    let whole = objects.parts.values().rev().find(|part| part.get(&manifest).is_some());
    let whole = whole.filter(|_| !objects.has(&incomplete));
    if found.is_none() && whole.is_none() {
        return Ok(false);
    }
    if let Some(part) = whole
        && let Some(there) = manifests::get(client, &part.tag).await?
    {
        referrers::write(client, &there.json, &there.entries).await?;
        put_patiently(client, &release_tag, there.json, None).await?;
    }
    if let Some(found) = found {
        let subject = (found.digest, found.json.len() as u64);
        referrers::delete(client, subject, &found.entries).await?;
        manifests::delete(client, &found.digest).await?;
    }
    Ok(true)
}
