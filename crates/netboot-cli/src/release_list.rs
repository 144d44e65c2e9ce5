//! The releases of a target: which are live, were live, or wait to go live.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::SystemTime;

use futures::{StreamExt, TryStreamExt};
use netboot_core::layout::{self, Location};
use netboot_core::{Context, Manifest, PointerName, ProfileName, ReleaseId, Report};
use netboot_publish::{
    ActivationKind, Error, Finding, HistoryEntry, ListScope, Publisher, VerifyDepth, VerifyScope,
};
use serde::Serialize;

/// The number of releases that are read at once.
const AT_ONCE: usize = 8;

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
    let (history, problem) = match publisher.history().await {
        Ok(history) => (history, problem_of_live(publisher).await?),
        // Whoever mends the pointer has to know which releases are there.
        Err(
            error @ (Error::MalformedPointer { .. }
            | Error::UntrustedPointer { .. }
            | Error::ForeignFile { .. }),
        ) => (Vec::new(), Some(Report::from(error))),
        Err(error) => return Err(error),
    };
    let (staged, there) = staged(publisher).await?;
    let mut last_live: BTreeMap<ReleaseId, &HistoryEntry> = BTreeMap::new();
    for entry in &history {
        last_live.entry(entry.release).or_insert(entry);
    }
    let all: BTreeSet<ReleaseId> = last_live.keys().chain(staged.keys()).copied().collect();
    let listing = all.into_iter().map(|release| {
        let (entry, staged_at) = (last_live.get(&release).copied(), staged.get(&release).copied());
        look(publisher, release, entry, staged_at, there.contains(&release))
    });
    let mut listed: Vec<ListedRelease> =
        futures::stream::iter(listing).buffered(AT_ONCE).try_collect().await?;
    // Times are whole seconds, and the history has the order.
    let place = |release: &ListedRelease| {
        let place = history.iter().position(|entry| entry.release == release.release);
        place.unwrap_or(history.len())
    };
    listed.sort_by_key(|release| (release.state, place(release), Reverse(release.when())));
    let others = others(publisher).await?;
    for release in &mut listed {
        let by = |(pointer, live): (&PointerName, &Option<ReleaseId>)| {
            (*live == Some(release.release)).then(|| pointer.clone())
        };
        release.live_by = others.iter().filter_map(by).collect();
        release.has_other_pointers = !others.is_empty();
    }
    if problem.is_some() && history.is_empty() {
        for release in &mut listed {
            release.state = ReleaseState::Unknown;
        }
    }
    Ok(Listing { releases: listed, problem })
}

/// The reason for readers to refuse a pointer that has a history: its best-before date has passed,
/// or its script is not that of its release.
async fn problem_of_live(publisher: &Publisher) -> Result<Option<Report>, Error> {
    match publisher.live().await {
        Err(error @ Error::UntrustedPointer { .. }) => Ok(Some(error.into())),
        Err(error) => Err(error),
        Ok(_) => Ok(None),
    }
}

/// The other pointers of the target, with the releases that they make live.
async fn others(publisher: &Publisher) -> Result<BTreeMap<PointerName, Option<ReleaseId>>, Error> {
    let mut others = BTreeMap::new();
    for listed in publisher.store().list(&ListScope::Root).await? {
        let Some(Location::Pointer(name)) = Location::parse(&listed.path) else { continue };
        if name == *publisher.pointer() {
            continue;
        }
        let Ok(other) = publisher.clone().with_pointer(name.clone());
        match other.live().await {
            Ok(live) => drop(others.insert(name, live)),
            // It may also be an entry point, which has the place of a pointer.
            Err(
                Error::MalformedPointer { .. }
                | Error::UntrustedPointer { .. }
                | Error::ForeignFile { .. },
            ) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(others)
}

/// The staged releases, and when each was last staged; and every release that has a file.
async fn staged(
    publisher: &Publisher,
) -> Result<(BTreeMap<ReleaseId, SystemTime>, BTreeSet<ReleaseId>), Error> {
    let (mut staged, mut there) = (BTreeMap::new(), BTreeSet::new());
    for listed in publisher.store().list(&ListScope::Below(layout::releases())).await? {
        let Some(Location::InRelease { release, path }) = Location::parse(&listed.path) else {
            continue;
        };
        there.insert(release);
        if let Some(modified) = listed.entry.modified().filter(|_| path == layout::manifest()) {
            staged.insert(release, modified);
        }
    }
    Ok((staged, there))
}

async fn look(
    publisher: &Publisher,
    release: ReleaseId,
    entry: Option<&HistoryEntry>,
    staged_at: Option<SystemTime>,
    is_there: bool,
) -> Result<ListedRelease, Error> {
    let content = match publisher.manifest(&release).await {
        Ok(manifest) => Ok(content(&manifest)),
        Err(
            error @ (Error::NotStaged { .. }
            | Error::MalformedManifest { .. }
            | Error::Signature { .. }),
        ) => Err(error),
        Err(error) => return Err(error),
    };
    let is_trusted = !matches!(&content, Err(Error::Signature { .. }));
    let is_whole = match entry {
        Some(entry) if is_trusted => entry.whole,
        _ => is_whole(publisher, release).await?,
    };
    Ok(ListedRelease {
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
        is_trusted,
        content: content.map_err(Report::from),
    })
}

fn content(manifest: &Manifest) -> ReleaseContent {
    ReleaseContent {
        profiles: manifest.images().keys().cloned().collect(),
        size: manifest.objects().values().map(|object| object.size).sum(),
    }
}

async fn is_whole(publisher: &Publisher, release: ReleaseId) -> Result<bool, Error> {
    let (scope, depth) = (VerifyScope::Release(release), VerifyDepth::Listing);
    // The progress of a look at one of many releases says nothing.
    match publisher.verify(scope, depth, &Context::new()).await {
        Ok(report) => {
            let is_damage = |finding: &Finding| !matches!(finding, Finding::Signature { .. });
            Ok(!report.findings.iter().any(is_damage))
        }
        Err(Error::NotStaged { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
