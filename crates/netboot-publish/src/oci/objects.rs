//! The objects that the parts of a target name.

use std::collections::BTreeMap;
use std::sync::Arc;

use netboot_core::ReleasePath;

use super::artifact::Stored;
use super::part::{Blob, Part, blob_of};

/// Parts of a target at one moment, and the objects that they name. If several parts name one
/// path, the object that was written last is there.
#[derive(Debug, Clone, Default)]
pub(super) struct Objects {
    /// By tag, so that older parts come first.
    pub(super) parts: BTreeMap<String, Arc<Part>>,
}

impl Objects {
    pub(super) fn add(&mut self, part: Arc<Part>) {
        self.parts.insert(part.tag.clone(), part);
    }

    /// The number of bytes that the compressed manifests of releases take.
    pub(super) fn documents_size(&self) -> usize {
        self.parts.values().map(|part| part.document_size()).sum()
    }

    pub(super) fn get(&self, path: &ReleasePath) -> Option<Stored> {
        let blob = blob_of(path);
        let found = self.parts.values().filter_map(|part| part.find(path, blob.as_ref()));
        found.max_by_key(Stored::order)
    }

    pub(super) fn has(&self, path: &ReleasePath) -> bool {
        self.get(path).is_some()
    }

    /// All objects. This holds no second copy of them, however many there are.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ReleasePath, Stored)> {
        let mut blobs: Vec<&Blob> = self.parts.values().flat_map(|part| part.blobs()).collect();
        // The last one comes first.
        blobs.sort_unstable_by(|one, other| other.cmp(one));
        blobs.dedup_by_key(|blob| blob.sha256());
        let mut others: BTreeMap<&ReleasePath, &Stored> = BTreeMap::new();
        for (path, stored) in self.parts.values().flat_map(|part| part.others()) {
            let there = others.entry(path).or_insert(stored);
            if there.order() <= stored.order() {
                *there = stored;
            }
        }
        // Other bytes may have been written to the path of a blob.
        others.retain(|path, stored| {
            let found =
                blob_of(path).map(|it| blobs.binary_search_by(|blob| it.cmp(&blob.sha256())));
            let Some(Ok(position)) = found else { return true };
            let wins =
                blobs.get(position).is_none_or(|blob| blob.stored().order() < stored.order());
            if wins {
                blobs.remove(position);
            }
            wins
        });
        let blobs = blobs.into_iter().map(|blob| (blob.path(), blob.stored()));
        blobs.chain(others.into_iter().map(|(path, stored)| (path.clone(), stored.clone())))
    }
}
