//! The places in the target's root that publishers write over: entry points, links, the pointer.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::layout::Area;
use netboot_core::{Content, Manifest, ReleasePath};

use crate::error::Error;
use crate::pointer::PointerContent;
use crate::publisher::checks::legacy_links::legacy_links;
use crate::publisher::checks::place_state::{PlaceState, entry_point_state, link_state};
use crate::publisher::inventory::pointer_state::PointerState;
use crate::store::{Entry, Store};

/// The number of small objects that are read at once.
const PARALLEL_READS: usize = 16;

/// The rules for the places that a publisher writes to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PlaceRules {
    /// True if the publisher keeps the names of the old layout as links.
    pub(crate) legacy_links: bool,
    /// True if the publisher replaces files that netboot did not write.
    pub(crate) replace_foreign: bool,
    /// True if the publisher replaces a pointer that it cannot trust.
    pub(crate) replace_untrusted: bool,
}

/// A link of the old layout.
#[derive(Debug, Clone)]
pub(crate) struct LinkPlace {
    pub(crate) target: String,
    pub(crate) state: PlaceState,
}

/// The places of one release, with their states.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    pub(crate) entry_points: BTreeMap<ReleasePath, PlaceState>,
    pub(crate) links: BTreeMap<ReleasePath, LinkPlace>,
    pub(crate) foreign_pointer: Option<ReleasePath>,
}

impl Places {
    /// The places that have a file that netboot did not write.
    pub(crate) fn foreign(&self) -> impl Iterator<Item = &ReleasePath> {
        let is_foreign = |state: PlaceState| state == PlaceState::Foreign;
        let entry_points = self.entry_points.iter().filter(move |(_, state)| is_foreign(**state));
        let links = self.links.iter().filter(move |(_, link)| is_foreign(link.state));
        let pointer = self.foreign_pointer.iter();
        entry_points.map(|(path, _)| path).chain(links.map(|(path, _)| path)).chain(pointer)
    }

    /// The entry points to write.
    pub(crate) fn entry_points_to_write(&self) -> Vec<ReleasePath> {
        let to_write = self.entry_points.iter().filter(|(_, state)| **state != PlaceState::Right);
        to_write.map(|(path, _)| path.clone()).collect()
    }

    /// The links to make, with their targets.
    pub(crate) fn links_to_write(&self) -> BTreeMap<ReleasePath, String> {
        let to_write = self.links.iter().filter(|(_, link)| link.state != PlaceState::Right);
        to_write.map(|(path, link)| (path.clone(), link.target.clone())).collect()
    }
}

impl PlaceRules {
    /// The links that a release needs, each with its target.
    pub(crate) fn links(self, manifest: &Manifest) -> Result<BTreeMap<ReleasePath, String>, Error> {
        if self.legacy_links { legacy_links(manifest) } else { Ok(BTreeMap::new()) }
    }

    /// The paths of all places that activation of a release writes to, except the pointer.
    pub(crate) fn paths(self, manifest: &Manifest) -> Result<Vec<ReleasePath>, Error> {
        let links = self.links(manifest)?.into_keys();
        Ok(manifest.entry_points().keys().cloned().chain(links).collect())
    }

    /// Looks at every place that activation of a release writes to.
    pub(crate) async fn look(
        self,
        store: &dyn Store,
        manifest: &Manifest,
        pointer: &PointerState,
    ) -> Result<Places, Error> {
        require_entry_points_apart(manifest, pointer)?;
        let found = store.stat(&self.paths(manifest)?).await?;
        self.places_in(&found, store, manifest, pointer).await
    }

    /// Looks at every place of a release. `found` has the entries of the places.
    async fn places_in(
        self,
        found: &BTreeMap<ReleasePath, Entry>,
        store: &dyn Store,
        manifest: &Manifest,
        pointer: &PointerState,
    ) -> Result<Places, Error> {
        let links = self.links(manifest)?.into_iter().map(|(path, target)| {
            let state = link_state(found.get(&path), &target);
            (path, LinkPlace { target, state })
        });
        Ok(Places {
            links: links.collect(),
            entry_points: entry_point_states(store, manifest.entry_points(), found).await?,
            foreign_pointer: pointer.is_foreign().then(|| pointer.path.clone()),
        })
    }

    /// Looks at every place of a release. Fails if activation would replace a foreign file, or
    /// needs links that the store does not support.
    pub(crate) async fn require_writable(
        self,
        store: &dyn Store,
        manifest: &Manifest,
        pointer: &PointerState,
    ) -> Result<Places, Error> {
        let found = store.stat(&self.paths(manifest)?).await?;
        self.require_writable_in(&found, store, manifest, pointer).await
    }

    /// Fails if a pointer cannot be trusted, unless the publisher replaces such a pointer.
    pub(crate) fn require_trusted(self, pointer: &PointerState) -> Result<(), Error> {
        match &pointer.content {
            Some(PointerContent::Untrusted { .. }) if !self.replace_untrusted => pointer.trusted(),
            _ => Ok(()),
        }
    }

    /// Does the work of [`require_writable`](Self::require_writable) with the entries of the places
    /// in `found`.
    pub(crate) async fn require_writable_in(
        self,
        found: &BTreeMap<ReleasePath, Entry>,
        store: &dyn Store,
        manifest: &Manifest,
        pointer: &PointerState,
    ) -> Result<Places, Error> {
        if self.legacy_links && !store.capabilities().links() {
            return Err(Error::LinksUnsupported { store: store.to_string() });
        }
        if !self.replace_foreign {
            pointer.understood()?;
        }
        self.require_trusted(pointer)?;
        require_entry_points_apart(manifest, pointer)?;
        let places = self.places_in(found, store, manifest, pointer).await?;
        let foreign = places.foreign().next().cloned();
        match foreign {
            Some(path) if !self.replace_foreign => {
                Err(Error::ForeignFile { path, store: store.to_string() })
            }
            _ => Ok(places),
        }
    }
}

/// Fails if an entry point of a release has the path of the pointer, or lies below `releases` or
/// `blobs`.
fn require_entry_points_apart(manifest: &Manifest, pointer: &PointerState) -> Result<(), Error> {
    let taken =
        |path: &&ReleasePath| Area::of(path.as_str()) != Area::Root || **path == pointer.path;
    match manifest.entry_points().keys().find(taken) {
        Some(path) => Err(netboot_core::Error::Duplicate { name: path.to_string() }.into()),
        None => Ok(()),
    }
}

/// Reads the places of `entry_points`. `found` has their entries.
async fn entry_point_states(
    store: &dyn Store,
    entry_points: &BTreeMap<ReleasePath, Content>,
    found: &BTreeMap<ReleasePath, Entry>,
) -> Result<BTreeMap<ReleasePath, PlaceState>, Error> {
    let entries: Vec<(ReleasePath, Content, Option<Entry>)> = entry_points
        .iter()
        .map(|(path, content)| (path.clone(), *content, found.get(path).cloned()))
        .collect();
    let state = |(path, content, entry): (ReleasePath, Content, Option<Entry>)| async move {
        let state = match entry {
            None => PlaceState::Absent,
            Some(Entry::Link { .. } | Entry::Other) => PlaceState::Foreign,
            Some(Entry::Object { .. }) => match store.read(&path).await? {
                None => PlaceState::Absent,
                Some(there) => entry_point_state(store, &path, &there.bytes, &content).await?,
            },
        };
        Ok::<_, Error>((path, state))
    };
    stream::iter(entries).map(state).buffer_unordered(PARALLEL_READS).try_collect().await
}
