//! The images of a release at the target.

use std::sync::Arc;

use netboot_core::{ArtifactKind, FileRecord, Image, ReleaseId, layout};

use crate::error::Error;
use crate::publisher::Publisher;
use crate::publisher::inventory::stored_artifact::StoredArtifact;
use crate::publisher::inventory::stored_manifest::StoredManifest;

impl Publisher {
    /// Returns the images of a release at the target. A caller that built only one profile
    /// combines them with the new image into another release. Publishing does not send their
    /// files again.
    ///
    /// # Errors
    /// [`Error::NotStaged`], [`Error::MalformedManifest`]; if the target cannot be reached or
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
