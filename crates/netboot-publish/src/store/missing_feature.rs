//! The features that a target lacks.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::capabilities::Capabilities;

/// A feature that a target lacks, and that the publisher does without. `Display` says the
/// consequence in one sentence, without a full stop.
///
/// ```
/// use netboot_publish::{Capabilities, MissingFeature};
///
/// let missing = MissingFeature::of(Capabilities::all().with_lock(false));
/// assert!(missing.iter().map(|feature| feature.name()).eq(["lock"]));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MissingFeature {
    /// `swap` replaces the pointer whatever its version is.
    CompareAndSwap,
    /// The lock keeps no other publisher out.
    Lock,
    /// Reading a part of an object costs the transfer of the whole object.
    PartialReads,
    /// The server of a bucket overwrites an object that is there, and cannot be asked not to.
    ConditionalCreate,
    /// The server is not known to compare what it receives with the checksum of the request.
    ServerChecksums,
    /// The server deletes one object with each request.
    BatchDeletion,
    /// The far side does not sync files to its disk before it renames them.
    Fsync,
}

impl MissingFeature {
    /// The features that a store with these capabilities lacks. Symbolic links are not among them:
    /// a publisher that needs links fails without them.
    pub fn of(capabilities: Capabilities) -> BTreeSet<Self> {
        let missing = [
            (Self::CompareAndSwap, capabilities.compare_and_swap()),
            (Self::Lock, capabilities.lock()),
            (Self::PartialReads, capabilities.partial_reads()),
        ];
        missing.into_iter().filter_map(|(feature, able)| (!able).then_some(feature)).collect()
    }

    /// The name of the feature, as JSON has it, such as `compare-and-swap`.
    pub fn name(self) -> &'static str {
        match self {
            Self::CompareAndSwap => "compare-and-swap",
            Self::Lock => "lock",
            Self::PartialReads => "partial-reads",
            Self::ConditionalCreate => "conditional-create",
            Self::ServerChecksums => "server-checksums",
            Self::BatchDeletion => "batch-deletion",
            Self::Fsync => "fsync",
        }
    }

    /// Returns true if the capabilities of a store tell whether it has this feature.
    pub(crate) fn is_capability(self) -> bool {
        matches!(self, Self::CompareAndSwap | Self::Lock | Self::PartialReads)
    }
}

impl fmt::Display for MissingFeature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::CompareAndSwap => {
                "the last of two simultaneous publishers wins, and the other one may not notice it"
            }
            Self::Lock => {
                "nothing keeps a publisher from pruning files that another one needs for its release"
            }
            Self::PartialReads => "to read a part of a file, the publisher fetches the whole file",
            Self::ConditionalCreate => {
                "the server overwrites files, so the publisher reads a blob before it sends it again"
            }
            Self::ServerChecksums => {
                "the server may store damaged bytes, which only a verification by content finds"
            }
            Self::BatchDeletion => "the publisher makes one request for each file that it deletes",
            Self::Fsync => {
                "a crash of the target's machine may damage files that were sent a minute before it"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_one_in_json() {
        let features = [
            MissingFeature::CompareAndSwap,
            MissingFeature::Lock,
            MissingFeature::PartialReads,
            MissingFeature::ConditionalCreate,
            MissingFeature::ServerChecksums,
            MissingFeature::BatchDeletion,
            MissingFeature::Fsync,
        ];
        for feature in features {
            assert_eq!(serde_json::to_value(feature).unwrap(), feature.name());
        }
    }

    #[test]
    fn a_store_with_all_capabilities_lacks_none() {
        assert_eq!(MissingFeature::of(Capabilities::all()), BTreeSet::new());
        let without = MissingFeature::of(Capabilities::none());
        assert!(without.len() == 3 && without.into_iter().all(MissingFeature::is_capability));
    }
}
