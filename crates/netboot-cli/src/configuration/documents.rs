//! The table `[documents]`.

use netboot_core::DocumentKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The table `[documents]`: what `netboot build`, `netboot publish` and the deployer write about
/// images. A release has the documents as files, and its id covers them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct DocumentsSection {
    /// Give each image a software bill of materials, in the JSON of CycloneDX.
    pub sbom: bool,
    /// Give each image a statement of its provenance, in the form of SLSA.
    pub provenance: bool,
}

impl DocumentsSection {
    /// The kinds of the documents, in the order in which an image gets them.
    pub fn kinds(&self) -> Vec<DocumentKind> {
        let wanted = [(DocumentKind::Sbom, self.sbom), (DocumentKind::Provenance, self.provenance)];
        wanted.into_iter().filter_map(|(kind, is_wanted)| is_wanted.then_some(kind)).collect()
    }
}
