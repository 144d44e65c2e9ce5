use std::fmt;

use netboot_core::{PointerName, ReleaseId, ReleasePath};
use serde::Serialize;

use crate::Staged;

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
