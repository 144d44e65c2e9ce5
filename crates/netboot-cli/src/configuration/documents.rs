//! The table `[documents]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The table `[documents]`: what `netboot build` and `netboot publish` write about images. A
/// release has the documents as files, and its id covers them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct DocumentsSection {
    /// Give each image a software bill of materials, in the JSON of CycloneDX.
    pub sbom: bool,
    /// Give each image a statement of its provenance, in the form of SLSA.
    pub provenance: bool,
}
