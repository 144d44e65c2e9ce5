//! The part of its closure that a machine has, and the work that it took.

use crate::console::template::template;

/// The part of the closure that a machine has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a line of progress has these parts and no others")]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StoreProgress {
    /// The store paths that are verified and in their place.
    pub paths: u64,
    /// The store paths of the closure.
    pub all_paths: u64,
    /// The sizes of the blobs of `paths`, in bytes.
    pub bytes: u64,
    /// The sizes of all blobs, in bytes.
    pub all_bytes: u64,
    /// The bytes that came from the network, also of blobs that were damaged or are incomplete.
    pub from_network: u64,
    /// The bytes that came from the disk cache.
    pub from_disk: u64,
}

template!(struct StoreProgress: "" paths " of " all_paths " paths, " bytes " of " all_bytes
    " bytes; network " from_network ", disk " from_disk "");

/// The work of a machine to get the whole closure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the last line has these parts and no others")]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StoreSummary {
    /// The time from the start, in milliseconds.
    pub milliseconds: u64,
    /// The store paths of the closure.
    pub paths: u64,
    /// The bytes that came from the network.
    pub from_network: u64,
    /// The bytes that came from the disk cache.
    pub from_disk: u64,
    /// The number of further tries, of all files together.
    pub retries: u64,
}

template!(struct StoreSummary: "finished in " milliseconds " ms: " paths " paths; network "
    from_network ", disk " from_disk ", retries " retries "");
