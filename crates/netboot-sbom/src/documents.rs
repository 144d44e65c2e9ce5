//! Giving an image its documents.

use netboot_core::{ArtifactKind, BytesArtifact, DocumentKind, Image};

use crate::error::Error;
use crate::sbom::sbom;
use crate::statement::statement;

/// Gives an image the documents of these kinds, in the place of those that it has.
///
/// An image of a published release has no [materials](Image::materials), and its documents came
/// from a builder that knew more. Therefore an image without materials keeps the documents that it
/// has.
///
/// # Errors
/// [`Error::Unwritable`]; [`Error::Image`]: never in practice.
pub fn with_documents(image: Image, kinds: &[DocumentKind]) -> Result<Image, Error> {
    let mut documented = image;
    let may_replace = documented.materials().is_some();
    for kind in kinds {
        if !may_replace && documented.documents().contains_key(kind) {
            continue;
        }
        let bytes = match kind {
            DocumentKind::Provenance => statement(&documented)?,
            _ => sbom(&documented)?,
        };
        let document = BytesArtifact::new(ArtifactKind::Document, kind.file_name(), bytes)
            .map_err(netboot_core::Error::from)?;
        documented = documented.with_document(*kind, document)?;
    }
    Ok(documented)
}
