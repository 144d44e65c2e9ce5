//! The places in the target's root that are written over: entry points, links, the pointer.

use std::collections::BTreeMap;

use netboot_core::{Manifest, ReleasePath};

use super::Publisher;
use super::entry_points::entry_point_states;
use super::legacy_links::{legacy_links, link_state};
use super::target::PointerState;
use crate::pointer::PointerContent;
use crate::{Error, Finding};

/// What lies in a place that a publisher writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlaceState {
    /// Nothing.
    Absent,
    /// Just what belongs there.
    Right,
    /// Something of ours that is to be replaced.
    Outdated,
    /// Something that is not ours.
    Foreign,
}

impl PlaceState {
    /// What is wrong with a place in this state.
    pub(super) fn finding(self, path: ReleasePath) -> Option<Finding> {
        match self {
            Self::Right => None,
            Self::Absent => Some(Finding::Missing { path }),
            Self::Outdated => Some(Finding::Outdated { path }),
            Self::Foreign => Some(Finding::Foreign { path }),
        }
    }
}

/// A link of the old layout.
#[derive(Debug, Clone)]
pub(super) struct LinkPlace {
    pub(super) target: String,
    pub(super) state: PlaceState,
}

/// The places of one release.
#[derive(Debug, Clone)]
pub(super) struct Places {
    pub(super) entry_points: BTreeMap<ReleasePath, PlaceState>,
    pub(super) links: BTreeMap<ReleasePath, LinkPlace>,
    pub(super) foreign_pointer: Option<ReleasePath>,
}

impl Places {
    /// The places where something lies that is not ours.
    pub(super) fn foreign(&self) -> impl Iterator<Item = &ReleasePath> {
        let is_foreign = |state: PlaceState| state == PlaceState::Foreign;
        let entry_points = self.entry_points.iter().filter(move |(_, state)| is_foreign(**state));
        let links = self.links.iter().filter(move |(_, link)| is_foreign(link.state));
        let pointer = self.foreign_pointer.iter();
        entry_points.map(|(path, _)| path).chain(links.map(|(path, _)| path)).chain(pointer)
    }

    /// The entry points that are to be written.
    pub(super) fn entry_points_to_write(&self) -> Vec<ReleasePath> {
        let to_write = self.entry_points.iter().filter(|(_, state)| **state != PlaceState::Right);
        to_write.map(|(path, _)| path.clone()).collect()
    }

    /// The links that are to be made, with their targets.
    pub(super) fn links_to_write(&self) -> BTreeMap<ReleasePath, String> {
        let to_write = self.links.iter().filter(|(_, link)| link.state != PlaceState::Right);
        to_write.map(|(path, link)| (path.clone(), link.target.clone())).collect()
    }
}

impl Publisher {
    /// Fails if a release wants an entry point where something else of ours lies.
    fn require_entry_points_apart(&self, manifest: &Manifest) -> Result<(), Error> {
        let taken = |path: &&ReleasePath| {
            let directory = path.as_str().split('/').next().unwrap_or_default();
            ["releases", "blobs"].contains(&directory) || **path == self.pointer_path()
        };
        match manifest.entry_points().keys().find(taken) {
            Some(path) => Err(netboot_core::Error::Duplicate { name: path.to_string() }.into()),
            None => Ok(()),
        }
    }

    /// Looks at every place that making this release live would write to.
    pub(super) async fn places(
        &self,
        manifest: &Manifest,
        pointer: &PointerState,
    ) -> Result<Places, Error> {
        self.require_entry_points_apart(manifest)?;
        let links = if self.legacy_links { legacy_links(manifest)? } else { BTreeMap::new() };
        let entry_points = manifest.entry_points();
        let paths: Vec<ReleasePath> = entry_points.keys().chain(links.keys()).cloned().collect();
        let found = self.store.stat(&paths).await?;
        let links = links.into_iter().map(|(path, target)| {
            let state = link_state(found.get(&path), &target);
            (path, LinkPlace { target, state })
        });
        let foreign = pointer.content == Some(PointerContent::Foreign);
        Ok(Places {
            links: links.collect(),
            entry_points: entry_point_states(self.store.as_ref(), entry_points, &found).await?,
            foreign_pointer: foreign.then(|| pointer.path.clone()),
        })
    }

    /// The same, and fails where making this release live would replace what is not ours, or
    /// needs links that the store does not have.
    pub(super) async fn writable_places(
        &self,
        manifest: &Manifest,
        pointer: &PointerState,
    ) -> Result<Places, Error> {
        if self.legacy_links && !self.store.capabilities().links() {
            return Err(Error::LinksUnsupported { store: self.store.to_string() });
        }
        if !self.replace_foreign {
            pointer.understood()?;
        }
        let places = self.places(manifest, pointer).await?;
        let foreign = places.foreign().next().cloned();
        match foreign {
            Some(path) if !self.replace_foreign => {
                Err(Error::ForeignFile { path, store: self.store.to_string() })
            }
            _ => Ok(places),
        }
    }
}
