//! The texts about a release that was live.

use std::collections::BTreeSet;

use netboot_core::ReleaseId;
use netboot_publish::HistoryEntry;
use serde::Serialize;
use url::Url;

use super::repeat_command::submit_command;
use crate::jobs::{JobRequest, RollbackTarget};
use crate::timestamp::Timestamp;

/// A time at which a release went live.
#[derive(Debug, Default, Serialize)]
pub(super) struct ReleaseRow {
    pub(super) id: String,
    pub(super) short: String,
    /// The way it went live, in words.
    pub(super) kind: String,
    pub(super) when: Option<Timestamp>,
    pub(super) is_live: bool,
    /// True if a rollback to `previous` makes it live.
    pub(super) is_previous: bool,
    /// True if the target has all of it.
    pub(super) is_whole: bool,
    /// The command that makes it live again. Only the latest row of a release has it.
    pub(super) rollback: Option<String>,
}

/// The rows of a history, newest first.
pub(super) fn rows(
    history: &[HistoryEntry],
    previous: Option<ReleaseId>,
    base: &Url,
) -> Vec<ReleaseRow> {
    let live = history.iter().find(|entry| entry.live).map(|entry| entry.release);
    let mut seen = BTreeSet::new();
    let mut row = |entry: &HistoryEntry| {
        let release = entry.release;
        let is_candidate = seen.insert(release) && entry.whole && Some(release) != live;
        let request = JobRequest::Rollback { to: RollbackTarget::Release(release) };
        ReleaseRow {
            id: release.to_string(),
            short: release.short(),
            kind: entry.kind.to_string().replace('-', " "),
            when: Some(entry.activated_at.into()),
            is_live: entry.live,
            is_previous: is_candidate && Some(release) == previous,
            is_whole: entry.whole,
            rollback: is_candidate.then(|| submit_command(base, &request)).flatten(),
        }
    };
    history.iter().map(&mut row).collect()
}
