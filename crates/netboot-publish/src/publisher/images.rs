//! The images of a release at the target.

use std::sync::Arc;

use bytes::Bytes;
use netboot_core::{
    ArtifactKind, Content, DocumentKind, FileRecord, Image, ProfileName, ReleaseId, ReleasePath,
    Sha256Hasher, layout,
};
use tokio::io::AsyncReadExt;

use crate::error::Error;
use crate::publisher::Publisher;
use crate::publisher::inventory::stored_artifact::{StoredArtifact, file_name};
use crate::publisher::inventory::untrusted_manifest::read_exactly;

/// The maximum size of a build log that goes along into another release, in bytes. Builders make
/// smaller ones, but anybody may have written a log at a target.
const LOG_LIMIT: u64 = 128 << 20;

impl Publisher {
    /// Returns the images of a release at the target with their documents, without their build
    /// logs. An artifact of
    /// these images fails to read if the target has other bytes than the release.
    ///
    /// # Errors
    /// The errors of [`manifest`](Self::manifest).
    pub async fn images(&self, release: impl Into<ReleaseId>) -> Result<Vec<Image>, Error> {
        let release = &release.into();
        let trusted = self.read_trusted_manifest(release).await?;
        let files = trusted.manifest().files();
        let mut images = Vec::new();
        for (profile, manifest) in trusted.manifest().images() {
            let mut image =
                Image::from_manifest(profile, manifest, |kind, record: &FileRecord| {
                    let path = layout::blob(&record.sha256);
                    let (store, record) = (self.store.clone(), record.clone());
                    Arc::new(StoredArtifact { store, kind, record, path })
                })?;
            for kind in DocumentKind::ALL {
                let path = layout::document(profile, kind);
                let Some(content) = files.get(&path) else { continue };
                let document = self.stored_document(release, &path, *content)?;
                image = image.with_document(kind, document)?;
            }
            images.push(image);
        }
        Ok(images)
    }

    fn stored_document(
        &self,
        release: &ReleaseId,
        path: &ReleasePath,
        content: Content,
    ) -> Result<StoredArtifact, Error> {
        let (store, kind) = (self.store.clone(), ArtifactKind::Document);
        let record = FileRecord::new(file_name(path)?, content);
        Ok(StoredArtifact { store, kind, record, path: layout::in_release(release, path) })
    }

    /// Reads a document about an image of a release at the target, and checks its digest. Returns
    /// `None` if the release has no such document, or no image of the profile.
    ///
    /// # Errors
    /// The errors of [`manifest`](Self::manifest); [`Error::NotWhole`] if the target has lost the
    /// document or has other bytes; [`Error::TooLarge`].
    pub async fn document(
        &self,
        release: impl Into<ReleaseId>,
        profile: &ProfileName,
        kind: DocumentKind,
    ) -> Result<Option<Bytes>, Error> {
        let release = &release.into();
        let trusted = self.read_trusted_manifest(release).await?;
        let path = layout::document(profile, kind);
        let Some(content) = trusted.manifest().files().get(&path) else { return Ok(None) };
        let place = layout::in_release(release, &path);
        let bytes = read_exactly(self.store.as_ref(), release, place, *content).await?;
        Ok(Some(bytes))
    }

    /// Returns the images of a release at the target for another release: a caller that built only
    /// one profile combines them with the new image. Publishing does not send their kernels and
    /// initrds again.
    ///
    /// This reads the build logs, so that they go along. No signature covers a log: the target may
    /// have changed it. An image whose log is missing, or larger than 128 MiB, has none.
    ///
    /// # Errors
    /// The errors of [`manifest`](Self::manifest); if a build log cannot be read.
    pub async fn images_with_logs(
        &self,
        release: impl Into<ReleaseId>,
    ) -> Result<Vec<Image>, Error> {
        let release = &release.into();
        let mut images = Vec::new();
        for image in self.images(*release).await? {
            let path = layout::in_release(release, &layout::build_log(image.profile()));
            images.push(match self.read_log(&path).await? {
                Some(content) => {
                    let (store, kind) = (self.store.clone(), ArtifactKind::BuildLog);
                    let record = FileRecord::new(file_name(&path)?, content);
                    image.with_build_log(StoredArtifact { store, kind, record, path })?
                }
                None => image,
            });
        }
        Ok(images)
    }

    /// Reads and hashes a build log, if there is one of a sensible size.
    async fn read_log(&self, path: &ReleasePath) -> Result<Option<Content>, Error> {
        let opened = match self.store.open(path).await {
            Err(error) if error.is_no_object() => None,
            opened => opened?,
        };
        let Some(reader) = opened else { return Ok(None) };
        let (mut reader, mut hasher) = (reader.take(LOG_LIMIT + 1), Sha256Hasher::new());
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = reader.read(&mut buffer).await;
            match read.map_err(|source| Error::reading(path, source))? {
                0 => break,
                read => hasher.update(&buffer[..read]),
            }
        }
        let (sha256, size) = hasher.finish();
        Ok((size <= LOG_LIMIT).then_some(Content { size, sha256 }))
    }
}
