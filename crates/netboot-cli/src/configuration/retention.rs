//! The table `[retention]`.

use std::time::Duration;

use netboot_publish::Retention;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem::Problem;

/// The table `[retention]`: the releases that pruning keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct RetentionSection {
    /// The number of releases of a pointer's history to keep, the live one among them.
    pub releases: usize,
    /// The time in hours for which a release is kept after it was last staged or live.
    pub grace_hours: u32,
}

impl Default for RetentionSection {
    fn default() -> Self {
        Self { releases: 3, grace_hours: 24 }
    }
}

impl RetentionSection {
    /// Refuses a number that means nothing, because pruning always keeps the live release.
    pub(super) fn check(&self) -> Result<(), Problem> {
        if self.releases > 0 {
            return Ok(());
        }
        let hint = "write a number of at least 1: the live release is one of them";
        Err(Problem::new("retention.releases", "pruning always keeps the live release", hint))
    }

    /// The rule as publishers take it.
    pub fn retention(&self) -> Retention {
        let grace = Duration::from_secs(60 * 60) * self.grace_hours;
        Retention::default().with_keep_last(self.releases).with_grace(grace)
    }
}
