//! The manifest of a release at a target, whoever wrote it, and its signature.

use std::path::PathBuf;

use bytes::Bytes;
use netboot_core::Error::{NotAFile, SymbolicLink};
use netboot_core::{Content, Manifest, Release, ReleaseId, ReleasePath, Sha256Digest, layout};

use crate::error::Error;
use crate::finding::Finding;
use crate::publisher::inventory::content::read_object;
use crate::store::{DOCUMENT_LIMIT, Document, Entry, Store};

/// A manifest at the target, with its bytes there. Its id is the id of its parts, so machines boot
/// what the id says, but anybody may have written it.
///
/// Reports, pruning, and the choice of what to send use this type. Everything that boots, or
/// becomes part of another release or script, needs a
/// [`TrustedManifest`](crate::publisher::checks::trusted_manifest::TrustedManifest).
#[derive(Debug, Clone)]
pub(crate) struct UntrustedManifest {
    manifest: Manifest,
    json: Bytes,
}

impl UntrustedManifest {
    /// The manifest of a release that the caller has.
    pub(crate) fn of(release: &Release) -> Result<Self, Error> {
        let json = release.manifest().to_json()?.into();
        Ok(Self { manifest: release.manifest().clone(), json })
    }

    /// Reads the manifest of a release. Returns `None` if the release is not staged.
    pub(crate) async fn find(
        store: &dyn Store,
        release: &ReleaseId,
    ) -> Result<Option<Self>, Error> {
        Self::find_at(store, release, &layout::manifest()).await
    }

    /// Reads the manifest of a release. Fails if the release is not staged.
    pub(crate) async fn require(store: &dyn Store, release: &ReleaseId) -> Result<Self, Error> {
        Self::find(store, release).await?.ok_or(Error::NotStaged { release: *release })
    }

    /// Reads the manifest of a release. Returns `None` also for a damaged manifest, which staging
    /// replaces. A manifest by a newer publisher is not damaged, but an error.
    pub(crate) async fn find_sound(
        store: &dyn Store,
        release: &ReleaseId,
    ) -> Result<Option<Self>, Error> {
        match Self::find(store, release).await {
            Err(error) if is_damaged(&error) => Ok(None),
            read => read,
        }
    }

    /// Reads the manifest at `path` in a release.
    pub(crate) async fn find_at(
        store: &dyn Store,
        release: &ReleaseId,
        path: &ReleasePath,
    ) -> Result<Option<Self>, Error> {
        let path = layout::in_release(release, path);
        let malformed =
            |source| Error::MalformedManifest { release: *release, source: Box::new(source) };
        let document = match store.read(&path).await {
            Err(Error::Target(source @ (NotAFile { .. } | SymbolicLink { .. }))) => {
                return Err(malformed(source));
            }
            read => read?,
        };
        let Some(document) = document else { return Ok(None) };
        Self::parse(release, document.bytes).map(Some)
    }

    /// The manifest of a release from the answer to a question about the document at `path`.
    /// Returns `None` if nothing is there.
    pub(crate) fn of_look(
        release: &ReleaseId,
        path: ReleasePath,
        entry: Option<&Entry>,
        document: Option<&Document>,
    ) -> Result<Option<Self>, Error> {
        if let Some(document) = document {
            return Self::parse(release, document.bytes.clone()).map(Some);
        }
        match entry {
            // Without its bytes, an object has been deleted meanwhile, or is too large.
            Some(Entry::Object { size, .. }) if *size > DOCUMENT_LIMIT => {
                Err(Error::TooLarge { path, size: *size, limit: DOCUMENT_LIMIT })
            }
            None | Some(Entry::Object { .. }) => Ok(None),
            Some(entry) => {
                let path = PathBuf::from(path.as_str());
                let source = match entry {
                    Entry::Link { .. } => SymbolicLink { path },
                    _ => NotAFile { path },
                };
                Err(Error::MalformedManifest { release: *release, source: Box::new(source) })
            }
        }
    }

    /// Reads the manifest of a release from its bytes.
    pub(crate) fn parse(release: &ReleaseId, json: Bytes) -> Result<Self, Error> {
        let malformed =
            |source| Error::MalformedManifest { release: *release, source: Box::new(source) };
        let manifest = Manifest::from_json(&json).map_err(malformed)?;
        if manifest.release() != release {
            let (expected, found) = (*release, *manifest.release());
            return Err(malformed(netboot_core::Error::OtherManifest { expected, found }));
        }
        Ok(Self { manifest, json })
    }

    /// The release.
    pub(crate) fn release(&self) -> &ReleaseId {
        self.manifest.release()
    }

    /// The bytes of the manifest.
    pub(crate) fn json(&self) -> &Bytes {
        &self.json
    }

    /// The manifest, for a report or a comparison. Nothing that it says about origins is authentic.
    pub(crate) fn unchecked(&self) -> &Manifest {
        &self.manifest
    }
}

/// Returns true if an error says that a manifest is damaged, and not that a newer publisher wrote
/// it.
pub(crate) fn is_damaged(error: &Error) -> bool {
    matches!(error, Error::MalformedManifest { source, .. }
        if !matches!(**source, netboot_core::Error::ManifestVersion { .. }))
}

/// The path of a release's manifest at the target.
pub(crate) fn manifest_path(release: &ReleaseId) -> ReleasePath {
    layout::in_release(release, &layout::manifest())
}

/// The path of the signature of a release's manifest at the target.
pub(crate) fn signature_path(release: &ReleaseId) -> ReleasePath {
    layout::in_release(release, &layout::manifest_signature())
}

/// Reads the signature of a release's manifest, if there is one.
pub(crate) async fn read_signature(
    store: &dyn Store,
    release: &ReleaseId,
) -> Result<Option<Bytes>, Error> {
    let document = read_object(store, &signature_path(release)).await?;
    Ok(document.map(|document| document.bytes))
}

/// Reads a small object of a staged release and checks its digest.
pub(crate) async fn read_exactly(
    store: &dyn Store,
    release: &ReleaseId,
    path: ReleasePath,
    expected: Content,
) -> Result<Bytes, Error> {
    let not_whole = |finding| Error::NotWhole { release: *release, findings: vec![finding] };
    let Some(document) = read_object(store, &path).await? else {
        return Err(not_whole(Finding::Missing { path }));
    };
    let found = Sha256Digest::of(&document.bytes);
    if found != expected.sha256 {
        let expected = expected.sha256;
        return Err(not_whole(Finding::WrongDigest { path, expected, found }));
    }
    Ok(document.bytes)
}
