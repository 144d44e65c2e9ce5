//! The things that an image was made from.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The things that an image was made from, in more detail than its
/// [`Provenance`](crate::Provenance). A builder collects them on request. They are no part of a
/// manifest: they become documents, and the crate `netboot-sbom` makes these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Materials {
    /// The store paths of the image's system, by their paths.
    pub store_paths: BTreeMap<String, StorePathMaterial>,
    /// The sources that were locked, by their names. The name of the main one is empty.
    pub sources: BTreeMap<String, SourceMaterial>,
    /// The choices of whoever started the build, such as the attribute of the configuration. They
    /// contain no secret.
    pub parameters: BTreeMap<String, Value>,
}

/// A store path of an image's system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StorePathMaterial {
    /// The hash of its NAR, in the form `sha256-<base64>`.
    pub nar_hash: String,
    /// The size of its NAR in bytes, without compression.
    pub nar_size: u64,
    /// The store paths that its files name, without itself.
    pub references: BTreeSet<String>,
    /// The licences that the configuration tells: identifiers of SPDX, or names.
    pub licences: BTreeSet<String>,
}

/// A locked source, such as an input of a flake.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceMaterial {
    /// The locked URL, without credentials and without the directory and branch of a checkout.
    pub url: String,
    /// The NAR hash of its content, in the form `sha256-<base64>`.
    pub nar_hash: Option<String>,
    /// The revision in hexadecimal digits, if version control has exactly this content.
    pub revision: Option<String>,
}

impl StorePathMaterial {
    /// Describes a store path without references and licences.
    pub fn new(nar_hash: impl Into<String>, nar_size: u64) -> Self {
        Self { nar_hash: nar_hash.into(), nar_size, ..Self::default() }
    }
}

impl SourceMaterial {
    /// Describes a source without a revision.
    pub fn new(url: impl Into<String>, nar_hash: Option<String>) -> Self {
        Self { url: url.into(), nar_hash, revision: None }
    }
}
