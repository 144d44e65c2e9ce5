//! The results of staging and activation.

use std::collections::BTreeSet;
use std::fmt;

use bytesize::ByteSize;
use netboot_core::{PointerName, ReleaseId, ReleasePath, counted};
use serde::Serialize;

use crate::store::missing_feature::MissingFeature;

/// The effect of a publication on the binary cache.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CacheChange {
    /// The number of descriptions that were written, or would be in a plan.
    pub written: usize,
    /// The total size of those descriptions, in bytes.
    pub written_bytes: u64,
    /// The number of descriptions that the target already had.
    pub present: usize,
    /// Files of another binary cache in the places of descriptions and of `nix-cache-info`. The
    /// publisher leaves them alone.
    pub foreign: Vec<ReleasePath>,
}

/// The result of staging a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Staged {
    /// The release. Machines can boot it from `releases/<id>/boot.ipxe`.
    pub release: ReleaseId,
    /// The number of objects that were sent.
    pub sent: usize,
    /// The total size of the objects that were sent, in bytes.
    pub sent_bytes: u64,
    /// The number of objects that the target already had.
    pub present: usize,
    /// The total size of those objects, in bytes.
    pub present_bytes: u64,
    /// The effect on the binary cache, if the publisher fills one and the release has closures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary_cache: Option<CacheChange>,
}

impl Staged {
    pub(crate) fn nothing(release: ReleaseId) -> Self {
        Self { release, sent: 0, sent_bytes: 0, present: 0, present_bytes: 0, binary_cache: None }
    }

    pub(crate) fn count(&mut self, size: u64, missing: bool) {
        let (objects, bytes) = if missing {
            (&mut self.sent, &mut self.sent_bytes)
        } else {
            (&mut self.present, &mut self.present_bytes)
        };
        *objects += 1;
        *bytes += size;
    }
}

impl fmt::Display for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, sent_bytes, present, present_bytes, binary_cache, .. } = self;
        write!(
            f,
            "sent {} ({}), {present} already there ({})",
            counted(*sent, "file"),
            ByteSize::b(*sent_bytes).display().iec(),
            ByteSize::b(*present_bytes).display().iec(),
        )?;
        let Some(cache) = binary_cache else { return Ok(()) };
        let (written, present) = (counted(cache.written, "store path"), cache.present);
        write!(f, "; binary cache: {written} added, {present} already there")?;
        cache.foreign.iter().try_for_each(|path| write!(f, "; `{path}` belongs to another cache"))
    }
}

/// The effect of an operation on the pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// A publication or an activation replaced it.
    Activated,
    /// A rollback replaced it.
    RolledBack,
    /// It already had the right text.
    Unchanged,
}

/// The result of publishing, activating or rolling back. `Display` shows it in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Receipt {
    /// The release that is live now.
    pub release: ReleaseId,
    /// The pointer that makes it live.
    pub pointer: PointerName,
    /// The release that was live before.
    pub previous: Option<ReleaseId>,
    /// The effect on the pointer.
    pub outcome: Outcome,
    /// The result of staging, if the operation staged the release too.
    pub staged: Option<Staged>,
    /// The entry points that were written.
    pub entry_points: Vec<ReleasePath>,
    /// The links of the old layout that were made.
    pub links: Vec<ReleasePath>,
    /// The features that the target lacks, as far as the store knows.
    pub without: BTreeSet<MissingFeature>,
}

impl Receipt {
    /// Returns true if the store made sure that no publisher overwrote another one's activation.
    pub fn order_guarded(&self) -> bool {
        !self.without.contains(&MissingFeature::CompareAndSwap)
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let release = self.release.short();
        match (self.outcome, self.previous) {
            (Outcome::Unchanged, _) => write!(f, "release {release} is live already")?,
            (Outcome::Activated, None) => write!(f, "release {release} is live")?,
            (Outcome::Activated, Some(previous)) => {
                write!(f, "release {release} is live in place of {}", previous.short())?;
            }
            (Outcome::RolledBack, None) => write!(f, "release {release} is live again")?,
            (Outcome::RolledBack, Some(previous)) => {
                write!(f, "release {release} is live again in place of {}", previous.short())?;
            }
        }
        if let Some(staged) = &self.staged {
            write!(f, "; {staged}")?;
        }
        if self.without.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = self.without.iter().map(|feature| feature.name()).collect();
        write!(f, "; without {}", names.join(", "))
    }
}
