//! The origin of an image.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The origin of an image, with enough detail to build it again. It contains no time.
///
/// ```
/// use netboot_core::Provenance;
///
/// let mut provenance = Provenance::new("buildroot");
/// provenance.source = Some("git+https://git.example.org/board?rev=1f0c2a".to_owned());
/// provenance.tools.insert("gcc".to_owned(), "14.2.0".to_owned());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Provenance {
    /// The builder's name, such as `nix`.
    pub builder: String,
    /// The source, locked if possible: for a flake, its URL with the revision or NAR hash. It
    /// contains no credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The NAR hash of the source's content, in the form `sha256-<base64>`. It does not depend on
    /// the URL, so equal hashes mean equal sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_hash: Option<String>,
    /// The derivations of the parts. The keys are `kernel`, `initrd` and `toplevel`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub derivations: BTreeMap<String, String>,
    /// The store paths of the parts, with the same keys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
    /// The NAR hashes of the parts' store paths, in the form `sha256-<base64>`, with the same keys.
    /// A reproducible build gives the same hashes on every machine.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub output_hashes: BTreeMap<String, String>,
    /// The versions of the tools, with the tools' names as keys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tools: BTreeMap<String, String>,
}

impl Provenance {
    /// Creates a provenance with only the builder's name. The caller sets the other fields.
    pub fn new(builder: impl Into<String>) -> Self {
        Self { builder: builder.into(), ..Self::default() }
    }
}
