//! The images of a release at the target.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use netboot_core::{
    Artifact, ArtifactKind, BytesArtifact, Content, Context, DocumentKind, Event, FileRecord,
    Image, ProfileName, ReleaseId, ReleasePath, layout,
};
use tokio::io::AsyncReadExt;

use crate::error::Error;
use crate::publisher::Publisher;
use crate::publisher::inventory::stored_artifact::{StoredArtifact, file_name};
use crate::publisher::inventory::untrusted_manifest::read_exactly;

/// The maximum size of all build logs together that go along into another release, in bytes. They
/// are in memory until they are sent. Builders make smaller ones, but anybody may have written a
/// log at a target.
const LOGS_LIMIT: u64 = 128 << 20;

impl Publisher {
    /// Returns the images of a release at the target with their documents, without their build
    /// logs. An artifact of these images fails to read if the target has other bytes than the
    /// release.
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
    /// have changed it. Nobody relies on a log, so an image goes without it if the log is missing,
    /// if it cannot be read, or if all logs together have more than 128 MiB. A warning names an
    /// image whose log cannot be read.
    ///
    /// # Errors
    /// The errors of [`manifest`](Self::manifest); [`Error::Cancelled`].
    pub async fn images_with_logs(
        &self,
        release: impl Into<ReleaseId>,
        context: &Context,
    ) -> Result<Vec<Image>, Error> {
        let release = &release.into();
        let (mut images, mut left) = (Vec::new(), LOGS_LIMIT);
        for image in self.images(*release).await? {
            images.push(match self.log_of(release, &image, left, context).await {
                Ok(Some(log)) => {
                    left -= log.size();
                    image.with_build_log(log)?
                }
                Ok(None) => image,
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                Err(error) => {
                    context.emit(Event::Warning {
                        profile: Some(image.profile().clone()),
                        message: format!("the image goes without its build log: {error}"),
                        hint: error.hint(),
                    });
                    image
                }
            });
        }
        Ok(images)
    }

    /// Reads the build log of an image, if there is one of at most `limit` bytes that the image can
    /// have.
    async fn log_of(
        &self,
        release: &ReleaseId,
        image: &Image,
        limit: u64,
        context: &Context,
    ) -> Result<Option<BytesArtifact>, Error> {
        let path = layout::in_release(release, &layout::build_log(image.profile()));
        let name = file_name(&path)?;
        // No image has a log with the name of its kernel, its UKI or an initrd.
        if image.boot_files().any(|file| *file.file_name() == name) {
            return Ok(None);
        }
        let opened = match self.store.open(&path).await {
            Err(error) if error.is_no_object() => None,
            opened => opened?,
        };
        let Some(reader) = opened else { return Ok(None) };
        let (mut reader, mut log) = (reader.take(limit + 1), BytesMut::new());
        loop {
            context.check()?;
            let read = reader.read_buf(&mut log).await;
            if read.map_err(|source| Error::reading(&path, source))? == 0 {
                break;
            }
        }
        if log.is_empty() || log.len() as u64 > limit {
            return Ok(None);
        }
        Ok(Some(BytesArtifact::new(ArtifactKind::BuildLog, name, log.freeze())?))
    }
}
