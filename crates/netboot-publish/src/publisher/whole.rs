//! Whether a release is whole.

use std::collections::BTreeMap;

use netboot_core::{Content, Context, Manifest, ReleaseId, ReleasePath, layout};

use super::Publisher;
use super::content::{check_contents, to_read};
use super::verify::VerifyDepth;
use crate::store::Entry;
use crate::{Error, Finding};

/// Everything that must lie at a target for a release to be whole, but for the manifest: also
/// the texts of its entry points, which it cannot be activated without.
pub(crate) fn required(manifest: &Manifest) -> BTreeMap<ReleasePath, Content> {
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

/// Objects by where they belong.
pub(super) type Objects = BTreeMap<ReleasePath, Content>;

impl Publisher {
    /// Tells what is missing or of the wrong size from what is there in its right size.
    pub(super) async fn check_sizes(
        &self,
        objects: Objects,
    ) -> Result<(Vec<Finding>, Objects), Error> {
        let paths: Vec<ReleasePath> = objects.keys().cloned().collect();
        let found = self.store.stat(&paths).await?;
        let (mut findings, mut sound) = (Vec::new(), Objects::new());
        for (path, content) in objects {
            match finding(&path, content.size, found.get(&path)) {
                Some(finding) => findings.push(finding),
                None => drop(sound.insert(path, content)),
            }
        }
        Ok((findings, sound))
    }

    /// What is wrong with a release of this manifest, looked at this closely.
    pub(super) async fn findings(
        &self,
        manifest: &Manifest,
        depth: VerifyDepth,
        context: &Context,
    ) -> Result<Vec<Finding>, Error> {
        let (mut findings, sound) = self.check_sizes(required(manifest)).await?;
        let to_read = to_read(sound, std::slice::from_ref(manifest), depth);
        findings.extend(check_contents(&self.store, to_read, context).await?.0);
        Ok(findings)
    }

    /// Fails unless a release with this manifest is whole, looked at this closely.
    pub(super) async fn require_whole(
        &self,
        manifest: &Manifest,
        depth: VerifyDepth,
        context: &Context,
    ) -> Result<(), Error> {
        match self.findings(manifest, depth, context).await? {
            findings if findings.is_empty() => Ok(()),
            findings => Err(Error::NotWhole { release: *manifest.release(), findings }),
        }
    }

    /// Whether a release is staged and whole.
    pub(super) async fn is_whole(&self, release: &ReleaseId) -> Result<bool, Error> {
        match self.read_manifest(release).await {
            Ok(Some(stored)) => {
                Ok(self.check_sizes(required(&stored.manifest)).await?.0.is_empty())
            }
            Ok(None) | Err(Error::MalformedManifest { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
