//! Deleting one release, and the blobs that releases name.

use std::collections::BTreeSet;

use netboot_core::{Context, ErrorClass, ReleaseId, ReleasePath, Sha256Digest, layout};

use crate::error::Error;
use crate::publisher::checks::objects::required;
use crate::publisher::inventory::release_files::{ReleaseFiles, own_paths};
use crate::publisher::inventory::untrusted_manifest::UntrustedManifest;
use crate::publisher::uploads::upload;
use crate::store::Store;

/// A release that pruning deletes.
#[derive(Debug)]
pub(crate) struct Unwanted {
    pub(crate) release: ReleaseId,
    /// The path of its manifest, or of the record of staging or pruning.
    pub(crate) record: ReleasePath,
    pub(crate) files: ReleaseFiles,
    /// The size in bytes of the files that belong to the release.
    pub(crate) size: u64,
}

impl Unwanted {
    /// Deletes the files that belong to the release.
    pub(crate) async fn delete(self, store: &dyn Store, context: &Context) -> Result<(), Error> {
        // Manifests with closures are large, so they are read again and not kept.
        let stored = UntrustedManifest::find_at(store, &self.release, &self.record).await?;
        let Some(stored) = stored else { return Ok(()) };
        let place = |path: ReleasePath| layout::in_release(stored.release(), &path);
        let (manifest, incomplete) =
            (place(layout::manifest()), place(layout::incomplete_manifest()));
        let own: Vec<ReleasePath> = own_paths(stored.unchecked()).map(place).collect();
        if self.files.is_staged() {
            // This record says which files belong to the release once its manifest is gone.
            let record = upload(incomplete.clone(), stored.json().clone())?;
            match store.send(vec![record], context).await {
                Ok(()) => store.delete(&[manifest], context).await?,
                // The target has no room for the record. Delete the files first: the release is
                // not whole without them either, and the manifest still says which files they were.
                Err(error) if error.class() == ErrorClass::StorageFull => {
                    store.delete(&own, context).await?;
                    return store.delete(&[manifest], context).await;
                }
                Err(error) => return Err(error),
            }
        }
        store.delete(&own, context).await?;
        store.delete(&[incomplete], context).await
    }
}

/// The blobs that a release needs.
pub(crate) fn blobs_of(stored: &UntrustedManifest) -> BTreeSet<Sha256Digest> {
    required(stored.unchecked()).into_values().map(|content| content.sha256).collect()
}

/// Returns the blobs of the releases at the target now, except the `known` releases.
pub(crate) async fn blobs_named_now(
    store: &dyn Store,
    known: &BTreeSet<ReleaseId>,
) -> Result<BTreeSet<Sha256Digest>, Error> {
    let mut named = BTreeSet::new();
    for (release, files) in ReleaseFiles::list(store).await? {
        for path in files.records().filter(|_| !known.contains(&release)) {
            match UntrustedManifest::find_at(store, &release, &path).await {
                Ok(stored) => named.extend(stored.iter().flat_map(blobs_of)),
                Err(Error::MalformedManifest { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(named)
}
