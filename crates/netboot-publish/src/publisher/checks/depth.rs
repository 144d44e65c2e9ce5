//! The depth of a verification.

use std::collections::BTreeMap;

use netboot_core::{Sha256Digest, layout};

use crate::publisher::checks::objects::Objects;

/// The depth to which a verification checks objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum VerifyDepth {
    /// Compares sizes only. This costs a listing.
    Listing,
    /// Compares sizes, and reads every byte of small objects: scripts and the texts of entry
    /// points.
    Scripts,
    /// Reads every byte of every object, including kernels and initrds.
    Content,
}

impl VerifyDepth {
    /// Keeps the objects that have to be read at this depth. `blobs` has the releases' blobs.
    pub(crate) fn to_read<T>(
        self,
        mut objects: Objects,
        blobs: &BTreeMap<Sha256Digest, T>,
    ) -> Objects {
        objects.retain(|path, content| match self {
            Self::Listing => false,
            Self::Scripts => {
                let is_blob = *path == layout::blob(&content.sha256);
                !(is_blob && blobs.contains_key(&content.sha256))
            }
            Self::Content => true,
        });
        objects
    }
}
