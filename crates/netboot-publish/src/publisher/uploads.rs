//! Releases and small texts as uploads.

use std::collections::BTreeMap;

use bytes::Bytes;
use netboot_core::{ArtifactKind, BytesArtifact, Release, ReleasePath, Sha256Digest, layout};

use crate::error::Error;
use crate::publisher::inventory::stored_artifact::file_name;
use crate::store::Upload;

/// Makes an upload of bytes in memory.
pub(crate) fn upload(path: ReleasePath, bytes: Bytes) -> Result<Upload, Error> {
    let artifact = BytesArtifact::new(ArtifactKind::Script, file_name(&path)?, bytes)?;
    Ok(Upload::new(path, artifact))
}

/// Returns all objects of a release except its manifest, by their paths at the target.
pub(crate) fn uploads(release: &Release) -> Result<BTreeMap<ReleasePath, Upload>, Error> {
    let id = release.id();
    let names = names(release);
    let mut uploads = BTreeMap::new();
    for (sha256, blob) in release.blobs() {
        let path = layout::blob(sha256);
        // A store path has only its own name.
        let name = || blob.file_name().to_string();
        let name = names.get(sha256).cloned().unwrap_or_else(name);
        uploads.insert(path.clone(), Upload::new(path, blob.clone()).with_subject(name));
    }
    for text in release.entry_points().values() {
        let path = layout::blob(&Sha256Digest::of(text));
        let text = upload(path.clone(), text.clone())?;
        uploads.entry(path).or_insert(text);
    }
    for (path, file) in release.files().iter().chain(release.logs()) {
        let place = layout::in_release(id, path);
        uploads.insert(place.clone(), Upload::new(place, file.clone()));
    }
    let place = layout::in_release(id, &layout::release_pointer());
    uploads.insert(place.clone(), upload(place, release.pointer().clone())?);
    Ok(uploads)
}

/// Returns readable names of the blobs: `<profile>/<file name>` of the first profile that has one.
fn names(release: &Release) -> BTreeMap<Sha256Digest, String> {
    let mut names = BTreeMap::new();
    for (profile, image) in release.manifest().images() {
        for file in image.boot_files() {
            let name = || format!("{profile}/{}", file.file_name);
            names.entry(file.sha256).or_insert_with(name);
        }
    }
    names
}
