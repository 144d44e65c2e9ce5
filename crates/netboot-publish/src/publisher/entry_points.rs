//! The static entry points: the same for every release, written where they are missing.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::{Content, Context, Manifest, ReleasePath, Sha256Digest, layout};

use super::Publisher;
use super::place::PlaceState;
use super::target::upload;
use crate::pointer::{Pointer, PointerContent};
use crate::store::{Entry, Store};
use crate::{Error, Finding};

/// How many small objects are read at once.
const PARALLEL_READS: usize = 16;

/// What lies in the places of `entry_points`, where `found` says what kind of thing does.
pub(super) async fn entry_point_states(
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
                Some(there) if Sha256Digest::of(&there.bytes) == content.sha256 => {
                    PlaceState::Right
                }
                Some(there) => match Pointer::parse(&there.bytes) {
                    PointerContent::Malformed { without_history: true, .. } => PlaceState::Outdated,
                    // What has a history is a pointer, and no entry point is to replace it.
                    _ => PlaceState::Foreign,
                },
            },
        };
        Ok::<_, Error>((path, state))
    };
    stream::iter(entries).map(state).buffer_unordered(PARALLEL_READS).try_collect().await
}

impl Publisher {
    /// Writes these entry points of a staged release.
    pub(super) async fn write_entry_points(
        &self,
        manifest: &Manifest,
        paths: &[ReleasePath],
        context: &Context,
    ) -> Result<(), Error> {
        let mut uploads = Vec::new();
        for path in paths {
            let Some(entry_point) = manifest.entry_points().get(path) else { continue };
            let blob = layout::blob(&entry_point.sha256);
            let text = self.read_exactly(manifest, blob, *entry_point).await?;
            uploads.push(upload(path.clone(), text)?);
        }
        self.store.send(uploads, context).await
    }

    /// Reads a small object of a staged release, and makes sure of its digest.
    pub(super) async fn read_exactly(
        &self,
        manifest: &Manifest,
        path: ReleasePath,
        expected: Content,
    ) -> Result<Bytes, Error> {
        let release = *manifest.release();
        let not_whole = |finding| Error::NotWhole { release, findings: vec![finding] };
        let Some(document) = self.store.read(&path).await? else {
            return Err(not_whole(Finding::Missing { path }));
        };
        let found = Sha256Digest::of(&document.bytes);
        if found != expected.sha256 {
            let expected = expected.sha256;
            return Err(not_whole(Finding::WrongDigest { path, expected, found }));
        }
        Ok(document.bytes)
    }
}
