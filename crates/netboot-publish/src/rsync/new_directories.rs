//! The directories that a batch needs and the target does not have.

use std::collections::BTreeSet;
use std::sync::Arc;

use netboot_core::{Context, ReleasePath};

use super::known_directories::{ROOT, needed};
use super::reading;
use super::record;
use super::session::Session;
use crate::error::Error;

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
