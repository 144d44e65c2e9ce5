//! The images of a release that is at the target already.

use std::sync::Arc;

use netboot_core::{ArtifactKind, FileRecord, Image, ReleaseId, layout};

use crate::error::Error;
use crate::publisher::Publisher;
use crate::publisher::inventory::stored_artifact::StoredArtifact;
use crate::publisher::inventory::stored_manifest::StoredManifest;

impl Publisher {
    /// The images of a release at the target, to make another release of them together with new
    /// ones: when only one profile was built, the others stay what they are. Their files are at
    /// the target already and are not sent again.
    ///
    /// # Errors
    /// [`Error::NotStaged`], [`Error::MalformedManifest`]; when the target cannot be reached or
    /// read.
    pub async fn images(&self, release: &ReleaseId) -> Result<Vec<Image>, Error> {
        let stored = StoredManifest::require(self.store.as_ref(), release).await?;
        let images = stored.manifest.images().iter().map(|(profile, manifest)| {
            Ok(Image::from_manifest(profile, manifest, |kind, record: &FileRecord| {
                let path = match kind {
                    ArtifactKind::BuildLog => {
                        layout::in_release(release, &layout::build_log(profile))
                    }
                    _ => layout::blob(&record.sha256),
                };
                let (store, record) = (self.store.clone(), record.clone());
                Arc::new(StoredArtifact { store, kind, record, path })
            })?)
        });
        images.collect()
    }
}
