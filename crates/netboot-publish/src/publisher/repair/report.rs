//! The report of a repair.

use std::collections::BTreeMap;
use std::fmt;

use bytesize::ByteSize;
use netboot_core::{Context, ReleaseId, ReleasePath, counted};
use serde::Serialize;

use crate::error::Error;
use crate::finding::Finding;
use crate::store::{Store, Upload};

/// The result of [`Publisher::repair`](crate::Publisher::repair). `Display` shows it in several
/// lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RepairReport {
    /// The release.
    pub release: ReleaseId,
    /// The number of bytes that were read and hashed to find damage.
    pub hashed_bytes: u64,
    /// The damage that repair found.
    pub found: Vec<Finding>,
    /// The paths that were sent again, with their sizes in bytes.
    pub mended: BTreeMap<ReleasePath, u64>,
    /// The damage that remains: no source has the object, or the file belongs to somebody else.
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

    /// Returns true if no damage remains.
    pub fn is_whole(&self) -> bool {
        self.remaining.is_empty()
    }

    /// Sends `uploads` and records that.
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
        let size = ByteSize::b(bytes).display().iec();
        write!(f, "sent {} again ({size})", counted(count, "file"))?;
        mended.keys().try_for_each(|path| write!(f, "\nrepaired `{path}`"))?;
        remaining.iter().try_for_each(|finding| write!(f, "\nstill wrong: {finding}"))
    }
}
