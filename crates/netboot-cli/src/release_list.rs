//! The releases of a target: which are live, were live, or wait to go live.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::SystemTime;

use netboot_core::{PointerName, ProfileName, ReleaseId, Report};
use netboot_publish::{
    ActivationKind, Error, HistoryEntry, Overview, Publisher, ReleaseOverview, ReleaseSummary,
};
use serde::Serialize;

/// The part that a release plays for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ReleaseState {
    /// Machines boot it.
    Live,
    /// Machines booted it.
    WasLive,
    /// It is at the target, and no machine booted it by this pointer.
    Staged,
    /// Machines booted it, and pruning deleted all of it.
    Deleted,
    /// It is at the target. The pointer that says if machines boot it cannot be used.
    Unknown,
}

/// The releases of a target.
#[derive(Debug)]
pub(crate) struct Listing {
    /// The live release, those that were live, those that are only staged, and those that pruning
    /// deleted, each group with the newest first.
    pub(crate) releases: Vec<ListedRelease>,
    /// The problem of a pointer that does not say what is live.
    pub(crate) problem: Option<Report>,
}

/// A release of a target.
#[derive(Debug)]
pub(crate) struct ListedRelease {
    pub(crate) release: ReleaseId,
    pub(crate) state: ReleaseState,
    /// The other pointers that make it live.
    pub(crate) live_by: Vec<PointerName>,
    /// True if the target has other pointers.
    pub(crate) has_other_pointers: bool,
    /// The time when it last went live, and how.
    pub(crate) activated: Option<(SystemTime, ActivationKind)>,
    /// The time when it was last staged, by the target's clock.
    pub(crate) staged_at: Option<SystemTime>,
    /// True if every object of it has the right size.
    pub(crate) is_whole: bool,
    /// False if its signatures are not those of enough trusted keys.
    pub(crate) is_trusted: bool,
    /// Its content; or why its manifest does not say it.
    pub(crate) content: Result<ReleaseContent, Report>,
}

/// The content of a release, by its manifest.
#[derive(Debug)]
pub(crate) struct ReleaseContent {
    pub(crate) profiles: Vec<ProfileName>,
    /// The profiles whose image has a UKI.
    pub(crate) ukis: Vec<ProfileName>,
    /// The size of all of its objects, also of those that other releases have too.
    pub(crate) size: u64,
}

impl ListedRelease {
    /// The time when it last went live; if it never did, when it was last staged.
    pub(crate) fn when(&self) -> Option<SystemTime> {
        self.activated.map(|(time, _)| time).or(self.staged_at)
    }

    /// Its state as people read it.
    pub(crate) fn shown_state(&self) -> String {
        let by: Vec<String> = self.live_by.iter().map(|name| format!("live by `{name}`")).collect();
        let own = match self.state {
            ReleaseState::Staged if !by.is_empty() => None,
            // This listing reads the history of its own pointer only.
            ReleaseState::Staged if self.has_other_pointers => Some("staged, not live".to_owned()),
            state => Some(state.to_string()),
        };
        own.into_iter().chain(by).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for ReleaseState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Live => "live",
            Self::WasLive => "was live",
            Self::Staged => "staged, never live",
            Self::Deleted => "was live, deleted",
            Self::Unknown => "not known",
        })
    }
}

/// Lists the releases of a target.
///
/// # Errors
/// If the target cannot be read.
pub(crate) async fn list(publisher: &Publisher) -> Result<Listing, Error> {
    let overview = publisher.overview().await?;
    let Overview { history, problem, other_pointers, releases, .. } = overview;
    let (mut last_live, mut place) = (BTreeMap::new(), BTreeMap::new());
    for (number, entry) in history.iter().enumerate() {
        last_live.entry(entry.release).or_insert(entry);
        place.entry(entry.release).or_insert(number);
    }
    let is_known = problem.is_none() || !history.is_empty();
    let there: BTreeSet<ReleaseId> = releases.keys().copied().collect();
    // Files that belong to no staged release are no release, unless machines booted it.
    let staged = releases
        .into_iter()
        .filter(|(release, found)| found.staged_at.is_some() || last_live.contains_key(release));
    let staged = staged.map(|(release, found)| (release, Some(found)));
    let deleted = last_live.keys().filter(|release| !there.contains(release));
    let deleted = deleted.map(|release| (*release, None));
    let mut listed: Vec<ListedRelease> = staged
        .chain(deleted)
        .map(|(release, found)| {
            let by = other_pointers.iter().filter(|(_, live)| **live == release);
            ListedRelease {
                live_by: by.map(|(name, _)| name.clone()).collect(),
                has_other_pointers: !other_pointers.is_empty(),
                ..listed(release, last_live.get(&release).copied(), found)
            }
        })
        .collect();
    if !is_known {
        for release in &mut listed {
            release.state = ReleaseState::Unknown;
        }
    }
    // Times are whole seconds, and the history has the order.
    let place =
        |release: &ListedRelease| place.get(&release.release).copied().unwrap_or(history.len());
    listed.sort_by_key(|release| (release.state, place(release), Reverse(release.when())));
    Ok(Listing { releases: listed, problem: problem.map(Report::from) })
}

fn listed(
    release: ReleaseId,
    entry: Option<&HistoryEntry>,
    found: Option<ReleaseOverview>,
) -> ListedRelease {
    let is_there = found.is_some();
    let (staged_at, is_whole, summary) = match found {
        Some(found) => (found.staged_at, found.whole, found.summary),
        None => (None, false, Err(Error::NotStaged { release })),
    };
    let content = |summary: ReleaseSummary| {
        let ReleaseSummary { profiles, ukis, size, .. } = summary;
        ReleaseContent { profiles, ukis, size }
    };
    ListedRelease {
        release,
        state: match entry {
            Some(entry) if entry.live => ReleaseState::Live,
            Some(_) if !is_there => ReleaseState::Deleted,
            Some(_) => ReleaseState::WasLive,
            None => ReleaseState::Staged,
        },
        live_by: Vec::new(),
        has_other_pointers: false,
        activated: entry.map(|entry| (entry.activated_at, entry.kind)),
        staged_at,
        is_whole,
        is_trusted: !matches!(&summary, Err(Error::Signature { .. })),
        content: summary.map(content).map_err(Report::from),
    }
}
