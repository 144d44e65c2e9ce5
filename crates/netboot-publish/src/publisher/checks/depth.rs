//! The depth of a verification.

use netboot_core::{Manifest, layout};

use crate::publisher::checks::objects::Objects;

/// The depth to which a verification checks objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum VerifyDepth {
    /// Compares sizes only. This costs a listing.
    Listing,
    /// Compares sizes, and reads every byte of small objects: scripts, logs, the texts of entry
    /// points.
    Scripts,
    /// Reads every byte of every object, including kernels and initrds.
    Content,
}

impl VerifyDepth {
    /// Keeps the objects that have to be read at this depth.
    pub(crate) fn to_read(self, mut objects: Objects, manifests: &[Manifest]) -> Objects {
        objects.retain(|path, content| match self {
            Self::Listing => false,
            Self::Scripts => {
                let is_blob = *path == layout::blob(&content.sha256);
                let names = |manifest: &Manifest| manifest.blobs().contains_key(&content.sha256);
                !(is_blob && manifests.iter().any(names))
            }
            Self::Content => true,
        });
        objects
    }
}
