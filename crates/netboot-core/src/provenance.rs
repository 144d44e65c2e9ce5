//! Where an image comes from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a builder knows of an image's origin: enough to build it again, and no clock.
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
    /// The source, locked where it can be: a flake's URL with its revision or NAR hash, without
    /// credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The hash of the source's content, as its NAR hash in the form `sha256-<base64>`: the same
    /// whatever the URL, so that it tells whether two sources are one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_hash: Option<String>,
    /// The derivations that made the parts, by part: `kernel`, `initrd`, `toplevel`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub derivations: BTreeMap<String, String>,
    /// The store paths of the parts, by part.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
    /// The NAR hashes of the parts' store paths, by part, in the form `sha256-<base64>`: a build that
    /// can be repeated gives the same ones on every machine.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub output_hashes: BTreeMap<String, String>,
    /// The versions of the tools that took part, by tool.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tools: BTreeMap<String, String>,
}

impl Provenance {
    /// What is known is which builder it was; the rest is set field by field.
    pub fn new(builder: impl Into<String>) -> Self {
        Self { builder: builder.into(), ..Self::default() }
    }
}
