//! How closely to look.

use netboot_core::{Manifest, layout};

use crate::publisher::checks::objects::Objects;

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum VerifyDepth {
    /// At sizes only: costs a listing.
    Listing,
    /// At sizes, and at every byte of what is small: scripts, logs, the entry points' texts.
    Scripts,
    /// At every byte, also of kernels and initrds: costs reading all.
    Content,
}

impl VerifyDepth {
    /// Which of `objects` one has to read at this depth.
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
