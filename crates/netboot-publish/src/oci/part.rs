//! A part of a target, in a form that stays small: a target of 1,000 releases may have 100,000
//! blobs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use netboot_core::layout::{self, Location};
use netboot_core::{ReleaseId, ReleasePath, Sha256Digest};

use super::artifact::{Entries, Stored};
use super::compression::decompressed;

/// An artifact with objects. Nobody changes a part: a new one takes its place.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) tag: String,
    /// The digest of its manifest.
    pub(super) digest: Sha256Digest,
    /// The size of the manifest in bytes, if it is the one of a whole release.
    pub(super) size_of_release: Option<u64>,
    release: Option<ReleaseId>,
    /// The blobs that have the name of their bytes, sorted.
    blobs: Box<[Blob]>,
    /// All other objects.
    others: Entries,
    /// The manifest of its release, compressed, if a summary has it.
    document: Option<Bytes>,
}

/// A blob. Its name is its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Blob {
    sha256: Sha256Digest,
    /// The time of its last write, in seconds since 1970.
    modified: u64,
    size: u64,
}

impl Part {
    pub(super) fn new(
        tag: String,
        digest: Sha256Digest,
        size_of_release: Option<u64>,
        entries: Entries,
    ) -> Self {
        let release = entries.keys().find_map(release_of);
        let (mut blobs, mut others) = (Vec::new(), Entries::new());
        for (path, stored) in entries {
            let Stored { sha256, size, modified, .. } = stored;
            if blob_of(&path) == Some(sha256) {
                blobs.push(Blob { sha256, modified: seconds(modified), size });
            } else {
                others.insert(path, stored);
            }
        }
        blobs.sort_unstable();
        let blobs = blobs.into();
        Self { tag, digest, size_of_release, release, blobs, others, document: None }
    }

    /// Adds the compressed manifest of its release.
    pub(super) fn with_document(self, document: Option<Bytes>) -> Self {
        Self { document, ..self }
    }

    /// The release that the part belongs to. A part of blobs belongs to none.
    pub(super) fn release(&self) -> Option<ReleaseId> {
        self.release
    }

    pub(super) fn get(&self, path: &ReleasePath) -> Option<Stored> {
        self.find(path, blob_of(path).as_ref())
    }

    /// Finds an object. If its path is that of a blob, `blob` is the digest in it.
    pub(super) fn find(&self, path: &ReleasePath, blob: Option<&Sha256Digest>) -> Option<Stored> {
        if let Some(stored) = self.others.get(path) {
            let inline = stored.inline.clone().or_else(|| self.document(path, stored));
            return Some(Stored { inline, ..stored.clone() });
        }
        let found = self.blobs.binary_search_by_key(&blob?, |blob| &blob.sha256).ok()?;
        Some(self.blobs.get(found)?.stored())
    }

    /// The bytes of the manifest of the release, if `path` is its path and a summary has them.
    fn document(&self, path: &ReleasePath, stored: &Stored) -> Option<Bytes> {
        let document = self.document.as_ref()?;
        if *path != layout::in_release(&self.release?, &layout::manifest()) {
            return None;
        }
        let bytes = decompressed(document, stored.size)?;
        (Sha256Digest::of(&bytes) == stored.sha256).then(|| bytes.into())
    }

    /// The number of bytes that the manifest of its release takes.
    pub(super) fn document_size(&self) -> usize {
        self.document.as_ref().map_or(0, Bytes::len)
    }

    /// All objects.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ReleasePath, Stored)> {
        let blobs = self.blobs.iter().map(|blob| (blob.path(), blob.stored()));
        let others = self.others.iter().map(|(path, stored)| (path.clone(), stored.clone()));
        blobs.chain(others)
    }

    /// The blobs that have the name of their bytes.
    pub(super) fn blobs(&self) -> &[Blob] {
        &self.blobs
    }

    /// The objects that are not among [`blobs`](Self::blobs).
    pub(super) fn others(&self) -> &Entries {
        &self.others
    }
}

impl Blob {
    pub(super) fn sha256(&self) -> Sha256Digest {
        self.sha256
    }

    pub(super) fn path(&self) -> ReleasePath {
        layout::blob(&self.sha256)
    }

    pub(super) fn stored(&self) -> Stored {
        let modified = UNIX_EPOCH.checked_add(Duration::from_secs(self.modified));
        let (sha256, size) = (self.sha256, self.size);
        Stored { sha256, size, modified: modified.unwrap_or(UNIX_EPOCH), inline: None }
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The digest in the path of a blob.
pub(super) fn blob_of(path: &ReleasePath) -> Option<Sha256Digest> {
    match Location::parse(path.as_str()) {
        Some(Location::Blob(sha256)) => Some(sha256),
        _ => None,
    }
}

/// The release that the path of a file belongs to.
pub(super) fn release_of(path: &ReleasePath) -> Option<ReleaseId> {
    match Location::parse(path.as_str()) {
        Some(Location::InRelease { release, .. }) => Some(release),
        _ => None,
    }
}
