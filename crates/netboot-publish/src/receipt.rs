//! What an operation did, for people and programs.

use std::fmt;

use netboot_core::{PointerName, ReleaseId, ReleasePath, counted};
use serde::Serialize;

/// What staging a release did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Staged {
    /// The release. It boots from `releases/<id>/boot.ipxe` already.
    pub release: ReleaseId,
    /// How many objects were sent.
    pub sent: usize,
    /// Their size in bytes.
    pub sent_bytes: u64,
    /// How many objects were there already.
    pub present: usize,
    /// Their size in bytes.
    pub present_bytes: u64,
}

impl Staged {
    pub(crate) fn nothing(release: ReleaseId) -> Self {
        Self { release, sent: 0, sent_bytes: 0, present: 0, present_bytes: 0 }
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
        let Self { sent, sent_bytes, present, present_bytes, .. } = self;
        write!(
            f,
            "sent {} ({}), {present} already there ({})",
            counted(*sent, "file"),
            counted(*sent_bytes, "byte"),
            counted(*present_bytes, "byte"),
        )
    }
}

/// What became of the pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// It was replaced.
    Activated,
    /// It was replaced, by a rollback.
    RolledBack,
    /// It says already what it should.
    Unchanged,
}

/// What publishing, activating or rolling back did. `Display` tells it in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Receipt {
    /// The release that is live now.
    pub release: ReleaseId,
    /// The pointer that it is live by.
    pub pointer: PointerName,
    /// The release that was live when this began.
    pub previous: Option<ReleaseId>,
    /// What became of the pointer.
    pub outcome: Outcome,
    /// What was sent, if this staged the release too.
    pub staged: Option<Staged>,
    /// The entry points that were written.
    pub entry_points: Vec<ReleasePath>,
    /// The links of the old layout that were made.
    pub links: Vec<ReleasePath>,
    /// Whether the store made sure that no other publisher's activation was overwritten.
    pub order_guarded: bool,
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
        if !self.order_guarded {
            f.write_str("; the store cannot tell whether another publisher was faster")?;
        }
        Ok(())
    }
}
