//! The directories that a target has, as far as the store knows.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use netboot_core::ReleasePath;

/// The name of the root in a list of names.
pub(super) const ROOT: &str = ".";

/// The time after which the store looks again for directories that it did not find.
const MISSING_COUNTS: Duration = Duration::from_secs(60);

/// The directories of the target that a store has seen.
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
    pub(super) fn sort(
        &self,
        directories: BTreeSet<String>,
    ) -> (BTreeSet<String>, BTreeSet<String>) {
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
