//! The kinds of documents about an image.

use std::fmt;

/// A document that tells people and their tools what an image consists of. No machine fetches it.
///
/// A release has the documents of its images at [`layout::document`](crate::layout::document). The
/// manifest lists them like every file, so its signature and the release's id cover them.
///
/// ```
/// use netboot_core::{DocumentKind, layout};
///
/// let path = layout::document(&"worker".parse()?, DocumentKind::Sbom);
/// assert_eq!(path.as_str(), "worker/sbom.cdx.json");
/// # Ok::<(), netboot_core::InvalidValue>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DocumentKind {
    /// The software bill of materials, in the JSON of CycloneDX.
    Sbom,
    /// The provenance: an in-toto statement with the SLSA predicate.
    Provenance,
}

impl DocumentKind {
    /// All kinds.
    pub const ALL: [Self; 2] = [Self::Sbom, Self::Provenance];

    /// The name of the document's file.
    pub fn file_name(self) -> &'static str {
        match self {
            // CycloneDX registered this suffix ("Recognized file patterns" of its specification).
            Self::Sbom => "sbom.cdx.json",
            Self::Provenance => "provenance.intoto.json",
        }
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sbom => "SBOM",
            Self::Provenance => "provenance",
        })
    }
}
