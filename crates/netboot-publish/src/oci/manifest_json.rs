//! The JSON of image manifests, as far as netboot writes and reads it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use netboot_core::Sha256Digest;
use serde::{Deserialize, Serialize};

/// The content of an artifact without a configuration, which the specification fixes.
pub(super) const EMPTY: &[u8] = b"{}";
/// The media type of that content.
pub(super) const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";

/// An image manifest.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    pub(super) schema_version: u32,
    pub(super) media_type: String,
    #[serde(default)]
    pub(super) artifact_type: String,
    pub(super) config: Descriptor,
    pub(super) layers: Vec<Descriptor>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) subject: Option<Descriptor>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub(super) annotations: BTreeMap<String, String>,
}

/// The name of a blob or of another manifest, with what is known about it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) media_type: String,
    pub(super) digest: String,
    pub(super) size: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) data: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub(super) annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// The configuration of an artifact that has none.
    pub(super) fn empty() -> Self {
        Self {
            media_type: EMPTY_TYPE.to_owned(),
            digest: format!("sha256:{}", Sha256Digest::of(EMPTY)),
            size: EMPTY.len() as u64,
            data: Some(STANDARD.encode(EMPTY)),
            annotations: BTreeMap::new(),
        }
    }
}
