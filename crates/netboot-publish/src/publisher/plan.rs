//! Telling in advance what publishing a release would do.

use std::collections::BTreeSet;
use std::fmt;

use bytesize::ByteSize;
use netboot_core::{Context, Phase, Release, ReleaseId, ReleasePath, counted, layout};
use serde::Serialize;

use crate::error::Error;
use crate::publisher::Publisher;
use crate::publisher::checks::objects::{log_places, required};
use crate::publisher::checks::whole::finding;
use crate::receipt::CacheChange;

/// The changes that publishing a release would make. `Display` shows them in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// The release.
    pub release: ReleaseId,
    /// The live release.
    pub live: Option<ReleaseId>,
    /// True if the target already has the whole release.
    pub staged: bool,
    /// The objects that would be sent, except the manifest, with their sizes in bytes.
    pub to_send: Vec<(ReleasePath, u64)>,
    /// The total size of the objects that would be sent, in bytes.
    pub bytes_to_send: u64,
    /// The number of objects that the target already has.
    pub present: usize,
    /// The total size of those objects, in bytes.
    pub present_bytes: u64,
    /// The entry points that would be written.
    pub entry_points: Vec<ReleasePath>,
    /// The links of the old layout that would be made.
    pub links: Vec<ReleasePath>,
    /// Files that netboot did not write in places that the publisher writes to. Publishing fails
    /// unless the publisher may replace them.
    pub foreign: Vec<ReleasePath>,
    /// The effect on the binary cache, if the publisher fills one and the release has closures.
    pub binary_cache: Option<CacheChange>,
    /// True if the store makes sure that no publisher overwrites another one's activation.
    pub order_guarded: bool,
}

impl Plan {
    /// Returns true if publishing would change nothing.
    pub fn is_empty(&self) -> bool {
        self.staged
            && self.live == Some(self.release)
            && self.entry_points.is_empty()
            && self.links.is_empty()
            && self.binary_cache.as_ref().is_none_or(|cache| cache.written == 0)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let release = self.release.short();
        match self.live {
            Some(live) if live == self.release => write!(f, "release {release} is live")?,
            Some(live) => write!(f, "release {release} would replace {}", live.short())?,
            None => write!(f, "release {release} would be the first")?,
        }
        let size = ByteSize::b(self.bytes_to_send).display().iec();
        write!(f, "; {} to send ({size})", counted(self.to_send.len(), "file"))?;
        for path in &self.foreign {
            write!(f, "; `{path}` is in the way")?;
        }
        Ok(())
    }
}

impl Publisher {
    /// Returns the changes that publishing `release` would make now. Changes nothing.
    ///
    /// # Errors
    /// [`Error::MalformedPointer`], [`Error::UntrustedPointer`]; if the target cannot be reached or
    /// read; [`Error::Cancelled`].
    pub async fn plan(&self, release: &Release, context: &Context) -> Result<Plan, Error> {
        let _phase = context.phase(Phase::Verifying, None);
        context.check()?;
        let base = self.read_pointer().await?;
        base.understood()?;
        self.places.require_trusted(&base)?;
        let places = self.places.look(self.store.as_ref(), release.manifest(), &base).await?;
        let staged = self.is_staged(release).await?;
        let required = required(release.manifest());
        let logs = if staged { BTreeSet::new() } else { log_places(release) };
        let paths: Vec<ReleasePath> = required.keys().chain(&logs).cloned().collect();
        let found = self.store.stat(&paths).await?;
        let mut plan = Plan {
            release: *release.id(),
            live: base.live(),
            staged,
            to_send: Vec::new(),
            bytes_to_send: 0,
            present: 0,
            present_bytes: 0,
            entry_points: places.entry_points_to_write(),
            links: places.links_to_write().into_keys().collect(),
            foreign: places.foreign().cloned().collect(),
            binary_cache: self.plan_cache(release).await?,
            order_guarded: self.store.capabilities().compare_and_swap(),
        };
        for (path, log) in release.logs() {
            let path = layout::in_release(release.id(), path);
            // A log of an earlier build stays.
            if logs.contains(&path) && !found.contains_key(&path) {
                plan.bytes_to_send += log.size();
                plan.to_send.push((path, log.size()));
            }
        }
        for (path, content) in required {
            if finding(&path, content.size, found.get(&path)).is_some() {
                plan.bytes_to_send += content.size;
                plan.to_send.push((path, content.size));
            } else {
                plan.present += 1;
                plan.present_bytes += content.size;
            }
        }
        Ok(plan)
    }
}
