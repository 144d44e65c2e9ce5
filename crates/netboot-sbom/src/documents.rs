//! Giving an image its documents.

use netboot_core::{ArtifactKind, BytesArtifact, DocumentKind, Image};

use crate::error::Error;
use crate::sbom::sbom;
use crate::statement::statement;

/// Gives an image the documents of these kinds, in the place of those that it has.
///
/// # Errors
/// [`Error::Unwritable`], [`Error::Image`]: never in practice.
pub fn with_documents(image: Image, kinds: &[DocumentKind]) -> Result<Image, Error> {
    let mut documented = image;
    for kind in kinds {
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
