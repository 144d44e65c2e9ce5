//! The results of scans, kept in the state directory.
//!
//! A store path never changes, so it is read only once by each version of the rules. A path that
//! was built again may have other files, so the hash of its archive is part of the key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use netboot_core::Sha256Digest;
use netboot_core::secret_scan::{SecretMatch, SecretPlace};
use serde::{Deserialize, Serialize};

use crate::build_log::replace;
use crate::error::Error;
use crate::secrets::store_paths::Scannable;

/// The largest cache that is read, in bytes. A cache for the closures of three NixOS configurations
/// and their derivations has about 5 MB.
const LIMIT: u64 = 256 << 20;

/// The results for store paths.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    place: PathBuf,
    content: Content,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// The version of the rules.
    version: Sha256Digest,
    paths: BTreeMap<String, Entry>,
}

/// The secrets in a store path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    nar_hash: Option<String>,
    /// The secrets, by the paths of their files in the store path.
    secrets: Vec<(String, SecretMatch)>,
}

impl Entry {
    pub(crate) fn new(nar_hash: Option<String>, secrets: Vec<(String, SecretMatch)>) -> Self {
        Self { nar_hash, secrets }
    }
}

impl Cache {
    /// Reads the cache in the directory `state`. A cache that is damaged or was made by other rules
    /// is left out, because everything can be scanned again.
    pub(crate) fn read(state: &Path, version: Sha256Digest) -> Self {
        let place = state.join("secret-scan.json");
        let text = netboot_core::read_regular_file(&place, LIMIT).ok();
        let content = text.and_then(|text| serde_json::from_slice::<Content>(&text).ok());
        let content = content.filter(|content| content.version == version);
        let empty = || Content { version, paths: BTreeMap::new() };
        Self { place, content: content.unwrap_or_else(empty) }
    }

    /// Replaces the file, without paths that the garbage collector deleted.
    pub(crate) fn save(mut self) -> Result<(), Error> {
        self.content.paths.retain(|path, _| Path::new(path).symlink_metadata().is_ok());
        let unreadable = |error: serde_json::Error| Error::io("write", &self.place, error.into());
        replace(&self.place, &serde_json::to_vec(&self.content).map_err(unreadable)?)
    }

    pub(crate) fn contains(&self, wanted: &Scannable) -> bool {
        let entry = self.content.paths.get(&wanted.path);
        entry.is_some_and(|entry| entry.nar_hash == wanted.nar_hash)
    }

    pub(crate) fn add(&mut self, scanned: BTreeMap<String, Entry>) {
        self.content.paths.extend(scanned);
    }

    /// The secrets in a store path.
    pub(crate) fn secrets(&self, path: &str) -> Vec<(SecretPlace, SecretMatch)> {
        let secrets = self.content.paths.get(path).map_or(&[][..], |entry| &entry.secrets);
        secrets.iter().map(|(file, it)| (SecretPlace::new(path, file), it.clone())).collect()
    }
}
