//! What lies at the target now: the pointer, manifests, release directories.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use netboot_core::{
    ArtifactKind, BytesArtifact, FileName, Manifest, ReleaseId, ReleasePath, layout,
};

use super::Publisher;
use crate::Error;
use crate::pointer::{Activation, Pointer, PointerContent};
use crate::store::{Entry, ListScope, Upload, Version};

/// The pointer as it was at one moment.
#[derive(Debug, Clone)]
pub(crate) struct PointerState {
    pub(super) path: ReleasePath,
    /// What a swap has to expect; none where nothing lies.
    pub(super) version: Option<Version>,
    pub(super) content: Option<PointerContent>,
}

impl PointerState {
    /// The pointer, if there is one of ours that can be understood.
    pub(super) fn pointer(&self) -> Option<&Pointer> {
        match &self.content {
            Some(PointerContent::Pointer(pointer)) => Some(pointer),
            _ => None,
        }
    }

    pub(super) fn live(&self) -> Option<ReleaseId> {
        self.pointer().and_then(Pointer::live)
    }

    pub(super) fn history(&self) -> &[Activation] {
        self.pointer().map_or(&[], |pointer| &pointer.history)
    }

    /// Refuses a pointer that is ours and cannot be understood.
    pub(super) fn understood(&self) -> Result<(), Error> {
        match &self.content {
            Some(PointerContent::Malformed { problem, .. }) => {
                let (path, problem) = (self.path.clone(), problem.clone());
                Err(Error::MalformedPointer { path, problem })
            }
            _ => Ok(()),
        }
    }
}

/// A manifest at the target, with the bytes it has there.
#[derive(Debug, Clone)]
pub(super) struct StoredManifest {
    pub(super) manifest: Manifest,
    pub(super) json: Bytes,
}

impl Publisher {
    pub(crate) async fn read_pointer(&self) -> Result<PointerState, Error> {
        self.read_pointer_at(self.pointer_path()).await
    }

    /// A link or a directory in the pointer's place is foreign, whatever it leads to.
    pub(super) async fn read_pointer_at(&self, path: ReleasePath) -> Result<PointerState, Error> {
        let mut state = PointerState { path, version: None, content: None };
        let found = self.store.stat(std::slice::from_ref(&state.path)).await?;
        match found.get(&state.path) {
            None => {}
            Some(Entry::Link { .. } | Entry::Other) => {
                state.content = Some(PointerContent::Foreign);
            }
            Some(Entry::Object { .. }) => {
                if let Some(document) = self.store.read(&state.path).await? {
                    state.version = Some(document.version);
                    state.content = Some(Pointer::parse(&document.bytes));
                }
            }
        }
        Ok(state)
    }

    /// The manifest of a release; `None` when the release is not staged.
    pub(super) async fn read_manifest(
        &self,
        release: &ReleaseId,
    ) -> Result<Option<StoredManifest>, Error> {
        self.read_manifest_at(release, &layout::manifest()).await
    }

    /// The manifest of a release that has to be staged.
    pub(super) async fn read_staged(&self, release: &ReleaseId) -> Result<StoredManifest, Error> {
        self.read_manifest(release).await?.ok_or(Error::NotStaged { release: *release })
    }

    /// The manifest at `path` in a release.
    pub(super) async fn read_manifest_at(
        &self,
        release: &ReleaseId,
        path: &ReleasePath,
    ) -> Result<Option<StoredManifest>, Error> {
        let path = layout::in_release(release, path);
        let Some(document) = self.store.read(&path).await? else { return Ok(None) };
        let malformed =
            |source| Error::MalformedManifest { release: *release, source: Box::new(source) };
        let manifest = Manifest::from_json(&document.bytes).map_err(malformed)?;
        if manifest.release() != release {
            let (stated, computed) = (*manifest.release(), *release);
            return Err(malformed(netboot_core::Error::ManifestMismatch { stated, computed }));
        }
        Ok(Some(StoredManifest { manifest, json: document.bytes }))
    }

    /// Everything below `releases/<id>/`, for each id: by path below it.
    pub(super) async fn list_releases(
        &self,
    ) -> Result<BTreeMap<ReleaseId, BTreeMap<String, Entry>>, Error> {
        let mut releases: BTreeMap<ReleaseId, BTreeMap<String, Entry>> = BTreeMap::new();
        for listed in self.store.list(&ListScope::Below(ReleasePath::new("releases")?)).await? {
            if let Some((release, path)) = in_release(&listed.path) {
                releases.entry(release).or_default().insert(path.to_owned(), listed.entry);
            }
        }
        Ok(releases)
    }
}

/// Splits `releases/<id>/<path>`.
pub(super) fn in_release(path: &str) -> Option<(ReleaseId, &str)> {
    let (release, path) = path.strip_prefix("releases/")?.split_once('/')?;
    let id: ReleaseId = release.parse().ok()?;
    // Upper-case digits parse as well, and name another directory.
    (id.to_string() == release).then_some((id, path))
}

/// The manifest of a release that is being staged or pruned.
pub(super) fn incomplete_manifest() -> Result<ReleasePath, Error> {
    Ok(ReleasePath::new("incomplete.json")?)
}

/// An upload of bytes that are in memory.
pub(super) fn upload(path: ReleasePath, bytes: Bytes) -> Result<Upload, Error> {
    let name = path.as_str().rsplit('/').next().unwrap_or_default().to_owned();
    let artifact = BytesArtifact::new(ArtifactKind::Script, FileName::new(name)?, bytes);
    Ok(Upload::new(path, Arc::new(artifact)))
}
