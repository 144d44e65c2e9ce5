//! What repairing a release did.

use std::collections::BTreeMap;
use std::fmt;

use netboot_core::{Context, ReleaseId, ReleasePath, counted};
use serde::Serialize;

use crate::error::Error;
use crate::finding::Finding;
use crate::store::{Store, Upload};

/// What [`Publisher::repair`](crate::Publisher::repair) did. `Display` tells it, a line for each thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RepairReport {
    /// The release.
    pub release: ReleaseId,
    /// How many bytes were read and hashed to find what is damaged.
    pub hashed_bytes: u64,
    /// What was wrong.
    pub found: Vec<Finding>,
    /// What was sent again, with its size in bytes.
    pub mended: BTreeMap<ReleasePath, u64>,
    /// What is still wrong: no source has it, or it is another's file.
    pub remaining: Vec<Finding>,
}

impl RepairReport {
    pub(crate) fn new(release: ReleaseId) -> Self {
        Self {
            release,
            hashed_bytes: 0,
            found: Vec::new(),
            mended: BTreeMap::new(),
            remaining: Vec::new(),
        }
    }

    /// Whether nothing is wrong any more.
    pub fn is_whole(&self) -> bool {
        self.remaining.is_empty()
    }

    /// Sends `uploads`, and takes down that it did.
    pub(crate) async fn mend(
        &mut self,
        store: &dyn Store,
        uploads: Vec<Upload>,
        context: &Context,
    ) -> Result<(), Error> {
        let sent = uploads.iter().map(|upload| (upload.path().clone(), upload.content().size));
        let sent: Vec<_> = sent.collect();
        store.send(uploads, context).await?;
        self.mended.extend(sent);
        Ok(())
    }
}

impl fmt::Display for RepairReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { release, found, mended, remaining, .. } = self;
        let (count, bytes) = (mended.len(), mended.values().sum::<u64>());
        write!(f, "release {}: {}, ", release.short(), counted(found.len(), "finding"))?;
        write!(f, "sent {} again ({})", counted(count, "file"), counted(bytes, "byte"))?;
        mended.keys().try_for_each(|path| write!(f, "\nmended `{path}`"))?;
        remaining.iter().try_for_each(|finding| write!(f, "\nstill wrong: {finding}"))
    }
}
