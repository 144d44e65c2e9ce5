//! Whether a release is whole.

use std::collections::BTreeMap;

use netboot_core::{Content, Manifest, ReleaseId, ReleasePath, layout};

use super::Publisher;
use crate::store::Entry;
use crate::{Error, Finding};

/// Everything that must lie at a target for a release to be whole, but for the manifest: also
/// the texts of its entry points, which it cannot be activated without.
pub(super) fn required(manifest: &Manifest) -> BTreeMap<ReleasePath, Content> {
    let mut required = manifest.objects();
    let entry_points = manifest.entry_points().values();
    required.extend(entry_points.map(|content| (layout::blob(&content.sha256), *content)));
    required
}

/// What is wrong at one place, going by size.
pub(super) fn finding(path: &ReleasePath, size: u64, entry: Option<&Entry>) -> Option<Finding> {
    let path = path.clone();
    match entry {
        None => Some(Finding::Missing { path }),
        Some(entry) if entry.size() == Some(size) => None,
        Some(entry) => Some(Finding::WrongSize { path, expected: size, found: entry.size() }),
    }
}

impl Publisher {
    /// What is missing or of the wrong size, of a release with this manifest.
    pub(super) async fn findings(&self, manifest: &Manifest) -> Result<Vec<Finding>, Error> {
        let required = required(manifest);
        let paths: Vec<ReleasePath> = required.keys().cloned().collect();
        let found = self.store.stat(&paths).await?;
        let findings = required
            .iter()
            .filter_map(|(path, content)| finding(path, content.size, found.get(path)));
        Ok(findings.collect())
    }

    /// Fails unless a release with this manifest is whole.
    pub(super) async fn require_whole(&self, manifest: &Manifest) -> Result<(), Error> {
        match self.findings(manifest).await? {
            findings if findings.is_empty() => Ok(()),
            findings => Err(Error::NotWhole { release: *manifest.release(), findings }),
        }
    }

    /// Whether a release is staged and whole.
    pub(super) async fn is_whole(&self, release: &ReleaseId) -> Result<bool, Error> {
        match self.read_manifest(release).await {
            Ok(Some(stored)) => Ok(self.findings(&stored.manifest).await?.is_empty()),
            Ok(None) | Err(Error::MalformedManifest { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
