//! The report of a verification.

use std::collections::BTreeSet;
use std::fmt;

use netboot_core::{ReleaseId, counted};
use serde::Serialize;

use crate::finding::Finding;

/// The result of [`Publisher::verify`](crate::Publisher::verify). `Display` shows a line for each
/// finding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VerifyReport {
    /// The releases that were verified.
    pub releases: BTreeSet<ReleaseId>,
    /// The number of different objects that they have.
    pub objects: usize,
    /// The number of bytes that were read and hashed.
    pub hashed_bytes: u64,
    /// The damage that was found.
    pub findings: Vec<Finding>,
}

impl VerifyReport {
    /// Returns true if there is no finding.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (releases, objects) = (self.releases.len(), self.objects);
        write!(f, "{} with {}: ", counted(releases, "release"), counted(objects, "file"))?;
        match self.findings.len() {
            0 => f.write_str("nothing wrong")?,
            count => write!(f, "{}", counted(count, "finding"))?,
        }
        self.findings.iter().try_for_each(|finding| write!(f, "\n{finding}"))
    }
}
