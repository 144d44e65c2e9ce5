//! The images of a release at the target.

use std::sync::Arc;

use netboot_core::{ArtifactKind, FileRecord, Image, ReleaseId, layout};

use crate::error::Error;
use crate::publisher::Publisher;
use crate::publisher::inventory::stored_artifact::StoredArtifact;

impl Publisher {
    /// Returns the images of a release at the target. A caller that built only one profile
    /// combines them with the new image into another release. Publishing does not send their
    /// files again. An artifact of these images fails to read if the target has other bytes than
    /// the release.
    ///
    /// # Errors
    /// The errors of [`manifest`](Self::manifest).
    pub async fn images(&self, release: impl Into<ReleaseId>) -> Result<Vec<Image>, Error> {
        let release = &release.into();
        let trusted = self.read_trusted_manifest(release).await?;
        let images = trusted.manifest().images().iter().map(|(profile, manifest)| {
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
