//! Reads the manifests of many releases, and small files beside them, many at once.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use netboot_core::{ReleaseId, ReleasePath, layout};

use crate::error::Error;
use crate::publisher::inventory::release_files::ReleaseFiles;
use crate::publisher::inventory::untrusted_manifest::UntrustedManifest;
use crate::store::{Document, Entry, Question, Store};

/// The total size in bytes of the documents that are in memory at once, as far as it is known.
const AT_ONCE_BYTES: u64 = 4 * 1024 * 1024;

/// The size in bytes that a document of unknown size counts for.
const USUAL_SIZE: u64 = 64 * 1024;

/// The record of a release to read, and files beside it.
#[derive(Debug)]
pub(crate) struct WantedRecord {
    pub(crate) release: ReleaseId,
    /// The path of the record in the release: that of its manifest, or of the record of staging or
    /// pruning.
    pub(crate) record: ReleasePath,
    /// The paths of other small files in the release.
    beside: Vec<ReleasePath>,
    /// The size in bytes of everything, as far as it is known.
    size: u64,
}

impl WantedRecord {
    /// The manifest of a release of which no listing is there.
    pub(crate) fn unlisted(release: ReleaseId, beside: &[ReleasePath]) -> Self {
        let size = USUAL_SIZE;
        Self { release, record: layout::manifest(), beside: beside.to_vec(), size }
    }

    /// The `record` of a release with these files, and the files in `beside` that it has.
    pub(crate) fn listed(
        release: ReleaseId,
        files: &ReleaseFiles,
        record: ReleasePath,
        beside: &[ReleasePath],
    ) -> Self {
        let beside: Vec<_> = beside.iter().filter(|path| files.contains(path)).cloned().collect();
        let sizes = beside.iter().chain([&record]).filter_map(|path| files.get(path)?.size());
        let size = sizes.fold(0, u64::saturating_add);
        Self { release, record, beside, size }
    }

    fn paths(&self) -> impl Iterator<Item = ReleasePath> {
        let paths = self.beside.iter().chain([&self.record]);
        paths.map(|path| layout::in_release(&self.release, path))
    }
}

/// The record of a release, as it was read.
#[derive(Debug)]
pub(crate) struct ReadRecord {
    pub(crate) release: ReleaseId,
    pub(crate) record: ReleasePath,
    entry: Option<Entry>,
    document: Option<Document>,
    beside: BTreeMap<ReleasePath, Bytes>,
}

impl ReadRecord {
    /// The manifest in the record. `None` if the record is gone.
    pub(crate) fn manifest(&self) -> Result<Option<UntrustedManifest>, Error> {
        let path = layout::in_release(&self.release, &self.record);
        UntrustedManifest::of_look(&self.release, path, self.entry.as_ref(), self.document.as_ref())
    }

    /// A file beside the record. `None` if it is not there.
    pub(crate) fn beside(&self, path: &ReleasePath) -> Option<&Bytes> {
        self.beside.get(path)
    }
}

/// Reads records in batches: as many at once as fit into little memory.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    store: &'a dyn Store,
    wanted: VecDeque<WantedRecord>,
}

impl<'a> Records<'a> {
    pub(crate) fn new(
        store: &'a dyn Store,
        wanted: impl IntoIterator<Item = WantedRecord>,
    ) -> Self {
        Self { store, wanted: wanted.into_iter().collect() }
    }

    /// Reads the next batch. Returns `None` after the last one.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<ReadRecord>>, Error> {
        let (mut batch, mut size) = (Vec::new(), 0_u64);
        while let Some(next) = self.wanted.front() {
            size = size.saturating_add(next.size);
            if size > AT_ONCE_BYTES && !batch.is_empty() {
                break;
            }
            batch.extend(self.wanted.pop_front());
        }
        if batch.is_empty() {
            return Ok(None);
        }
        let question =
            Question::default().with_documents(batch.iter().flat_map(WantedRecord::paths));
        let mut answer = self.store.look(&question).await?;
        let read = batch.into_iter().map(|wanted| {
            let at = |path: &ReleasePath| layout::in_release(&wanted.release, path);
            let beside = wanted.beside.into_iter().filter_map(|path| {
                let document = answer.documents.remove(&at(&path))?;
                Some((path, document.bytes))
            });
            let beside = beside.collect();
            ReadRecord {
                release: wanted.release,
                entry: answer.entries.remove(&at(&wanted.record)),
                document: answer.documents.remove(&at(&wanted.record)),
                record: wanted.record,
                beside,
            }
        });
        Ok(Some(read.collect()))
    }
}
