//! The sizes of the objects of a target, in a form that stays small for 100,000 of them.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join;
use netboot_core::layout::{self, Location};
use netboot_core::{ReleasePath, Sha256Digest};

use crate::error::Error;
use crate::publisher::checks::objects::Objects;
use crate::store::{Entry, ListScope, Listed, Question, Store};

/// The number of objects that are looked up at once by their names.
const AT_ONCE: usize = 20_000;

/// The name of an object. That of a blob takes no memory besides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Blob(Sha256Digest),
    Other(ReleasePath),
}

impl Name {
    fn of(path: &ReleasePath) -> Self {
        match Location::parse(path.as_str()) {
            Some(Location::Blob(sha256)) => Self::Blob(sha256),
            _ => Self::Other(path.clone()),
        }
    }
}

/// The thing with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum There {
    Nothing,
    NoObject,
    Object(u64),
}

/// The objects of a target and their sizes, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    things: BTreeMap<Name, There>,
    /// True if a thing is missing whose name is not here.
    is_complete: bool,
}

impl Presence {
    /// The things that two listings show: of everything below `releases`, and below `blobs`.
    pub(crate) fn of(releases: &[Listed], blobs: &[Listed]) -> Self {
        let mut presence = Self { things: BTreeMap::new(), is_complete: true };
        presence.add(releases);
        presence.add(blobs);
        presence
    }

    /// The things that two listings show now. The store is asked by name for all others, since a
    /// publisher may send them meanwhile.
    pub(crate) async fn listed(store: &dyn Store) -> Result<Self, Error> {
        let (releases, blobs) =
            (ListScope::Below(layout::releases()), ListScope::Below(layout::blobs()));
        let (releases, blobs) = try_join(store.list(&releases), store.list(&blobs)).await?;
        let mut presence = Self::default();
        presence.add(&releases);
        presence.add(&blobs);
        Ok(presence)
    }

    fn add(&mut self, listed: &[Listed]) {
        for listed in listed {
            let name = match Location::parse(&listed.path) {
                Some(Location::Blob(sha256)) => Name::Blob(sha256),
                Some(Location::InRelease { release, path }) => {
                    Name::Other(layout::in_release(&release, &path))
                }
                _ => continue,
            };
            self.things.insert(name, There::of(Some(&listed.entry)));
        }
    }

    /// Looks up by their names the objects that are not known yet.
    pub(crate) async fn learn<'a>(
        &mut self,
        store: &dyn Store,
        objects: impl IntoIterator<Item = &'a Objects>,
    ) -> Result<(), Error> {
        if self.is_complete {
            return Ok(());
        }
        let mut unknown = BTreeMap::new();
        for (path, content) in objects.into_iter().flatten() {
            if !self.things.contains_key(&Name::of(path)) {
                unknown.insert(path.clone(), Some(content.size));
            }
        }
        while !unknown.is_empty() {
            let later = unknown.keys().nth(AT_ONCE).cloned();
            let rest = later.map(|path| unknown.split_off(&path)).unwrap_or_default();
            let paths: BTreeSet<ReleasePath> = unknown.keys().cloned().collect();
            let answer = store.look(&Question::default().with_entries(unknown)).await?;
            for path in paths {
                let there = There::of(answer.entries.get(&path));
                self.things.insert(Name::of(&path), there);
            }
            unknown = rest;
        }
        Ok(())
    }

    /// Returns the objects that are missing or have another size.
    pub(crate) fn damaged<'a>(
        &self,
        objects: &'a Objects,
    ) -> impl Iterator<Item = &'a ReleasePath> {
        let is_damaged = move |path: &ReleasePath, size| {
            self.things.get(&Name::of(path)) != Some(&There::Object(size))
        };
        let damaged = objects.iter().filter(move |(path, content)| is_damaged(path, content.size));
        damaged.map(|(path, _)| path)
    }
}

impl There {
    fn of(entry: Option<&Entry>) -> Self {
        match entry.map(Entry::size) {
            None => Self::Nothing,
            Some(None) => Self::NoObject,
            Some(Some(size)) => Self::Object(size),
        }
    }
}
