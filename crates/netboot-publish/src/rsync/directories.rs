//! The directories that a target has, as far as the store knows, and those that it needs.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use netboot_core::{Context, ReleasePath};

use super::reading;
use super::record;
use super::session::Session;
use crate::error::Error;

/// The name of the root in a list of names.
pub(super) const ROOT: &str = ".";

/// The time after which the store looks again for directories that it did not find.
const MISSING_COUNTS: Duration = Duration::from_secs(60);

/// What a store knows of the target's directories.
#[derive(Debug, Default)]
pub(super) struct KnownDirectories(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    there: BTreeSet<String>,
    /// Directories that were not there at this moment.
    missing: Option<(Instant, BTreeSet<String>)>,
}

impl KnownDirectories {
    /// Remembers directories that are at the target.
    pub(super) fn add(&self, directories: impl IntoIterator<Item = String>) {
        self.change(|state| {
            for directory in directories {
                if let Some((_, missing)) = &mut state.missing {
                    missing.remove(&directory);
                }
                state.there.insert(directory);
            }
        });
    }

    /// Remembers which of the directories that the store looked for are at the target.
    pub(super) fn saw(&self, there: BTreeSet<String>, missing: BTreeSet<String>) {
        self.change(|state| {
            state.there.retain(|directory| !missing.contains(directory));
            state.there.extend(there);
            state.missing = Some((Instant::now(), missing));
        });
    }

    /// Forgets all directories, because they may have been deleted.
    pub(super) fn forget(&self) {
        self.change(|state| *state = State::default());
    }

    /// The directories that are not known to be there, without the root.
    pub(super) fn unknown(&self, directories: &BTreeSet<String>) -> BTreeSet<String> {
        self.change(|state| {
            let is_unknown = |path: &&String| *path != ROOT && !state.there.contains(*path);
            directories.iter().filter(is_unknown).cloned().collect()
        })
    }

    /// Sorts directories into those that are not there, and those of which nothing is known. Leaves
    /// out those that are there.
    fn sort(&self, directories: BTreeSet<String>) -> (BTreeSet<String>, BTreeSet<String>) {
        self.change(|state| {
            let missing = state.missing.as_ref().filter(|(at, _)| at.elapsed() < MISSING_COUNTS);
            let is_missing =
                |path: &String| missing.is_some_and(|(_, missing)| missing.contains(path));
            let not_there = directories.into_iter().filter(|path| !state.there.contains(path));
            not_there.partition(is_missing)
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The directories that a batch needs and the target does not have. Only these are sent, so that
/// existing directories keep their owner and mode.
#[derive(Debug)]
pub(super) struct NewDirectories(BTreeSet<String>);

impl NewDirectories {
    /// Looks at the target for the directories above `paths`, as far as nothing is known of them.
    pub(super) async fn of(
        session: &Arc<Session>,
        paths: impl IntoIterator<Item = &ReleasePath>,
        context: &Context,
    ) -> Result<Self, Error> {
        let (mut missing, unknown) = session.directories.sort(needed(paths));
        if !unknown.is_empty() {
            // A look at the root tells its mode.
            let is_seen = session.root_mode().is_some();
            let names =
                || unknown.iter().map(String::as_str).filter(|path| *path != ROOT || !is_seen);
            let found = reading::stat_in_root(session, names(), context).await?;
            let is_there = |path: &String| match &found {
                Some(found) => path == ROOT || found.contains_key(path),
                None => false,
            };
            let (there, not_there): (BTreeSet<String>, _) =
                unknown.iter().cloned().partition(is_there);
            session.directories.add(there);
            missing.extend(not_there);
        }
        session.warn_about_root(context);
        Ok(Self(missing))
    }

    /// Finds the missing directories above `paths` by a dry run, for a target that cannot be read.
    pub(super) async fn by_asking(
        session: &Arc<Session>,
        paths: impl IntoIterator<Item = &ReleasePath>,
        context: &Context,
    ) -> Result<Self, Error> {
        let (mut missing, mut unknown) = session.directories.sort(needed(paths));
        unknown.remove(ROOT);
        if !unknown.is_empty() {
            missing.extend(record::missing_directories(session, &unknown, context).await?);
        }
        missing.remove(ROOT);
        Ok(Self(missing))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// The directories above `paths`, and the root.
pub(super) fn needed<'a>(paths: impl IntoIterator<Item = &'a ReleasePath>) -> BTreeSet<String> {
    let above = paths.into_iter().flat_map(parents).map(|path| path.to_string());
    above.chain([ROOT.to_owned()]).collect()
}

/// The directories above a path, innermost first, without the root.
pub(super) fn parents(path: &ReleasePath) -> impl Iterator<Item = ReleasePath> {
    let parent = |path: &ReleasePath| {
        let (parent, _) = path.as_str().rsplit_once('/')?;
        ReleasePath::new(parent).ok()
    };
    std::iter::successors(parent(path), parent)
}
