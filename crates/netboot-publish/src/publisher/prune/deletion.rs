//! Deleting releases, many at once.

use netboot_core::{Context, ErrorClass, ReleaseId, ReleasePath, layout};

use crate::error::Error;
use crate::publisher::inventory::records::{Records, WantedRecord};
use crate::publisher::inventory::release_files::{ReleaseFiles, own_paths};
use crate::publisher::uploads::upload;
use crate::store::{Store, Upload};

/// The number of releases that are deleted at once.
const AT_ONCE: usize = 64;

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

/// Deletes the files that belong to the releases.
///
/// For each release, it first writes the record that says which files belong to it, then deletes
/// the manifest, then the files, and at the end the record. It makes each step for several releases
/// at once, so that 1,000 releases do not take 5,000 round trips.
pub(crate) async fn delete_all(
    unwanted: Vec<Unwanted>,
    store: &dyn Store,
    context: &Context,
) -> Result<(), Error> {
    let mut unwanted = unwanted.into_iter();
    loop {
        let batch: Vec<Unwanted> = unwanted.by_ref().take(AT_ONCE).collect();
        if batch.is_empty() {
            return Ok(());
        }
        context.check()?;
        // Manifests with closures are large, so they are read again and not kept.
        let wanted = batch
            .iter()
            .map(|it| WantedRecord::listed(it.release, &it.files, it.record.clone(), &[]));
        let mut records = Records::new(store, wanted);
        while let Some(read) = records.next().await? {
            let mut deletion = Deletion::default();
            for read in read {
                let Some(stored) = read.manifest()? else { continue };
                let place = |path: ReleasePath| layout::in_release(&read.release, &path);
                deletion.own.extend(own_paths(stored.unchecked()).map(place));
                let incomplete = place(layout::incomplete_manifest());
                if read.record == layout::manifest() {
                    deletion.records.push(upload(incomplete.clone(), stored.json().clone())?);
                    deletion.manifests.push(place(layout::manifest()));
                }
                deletion.incomplete.push(incomplete);
            }
            deletion.run(store, context).await?;
        }
    }
}

/// The steps in which releases are deleted.
#[derive(Debug, Default)]
struct Deletion {
    /// The records to write, which say which files belong to a release once its manifest is gone.
    records: Vec<Upload>,
    manifests: Vec<ReleasePath>,
    own: Vec<ReleasePath>,
    incomplete: Vec<ReleasePath>,
}

impl Deletion {
    async fn run(self, store: &dyn Store, context: &Context) -> Result<(), Error> {
        let delete = async |paths: &[ReleasePath]| {
            // A lost lock ends this work where it waits, and some stores never wait.
            tokio::task::yield_now().await;
            store.delete(paths, context).await
        };
        if !self.records.is_empty() {
            match store.send(self.records, context).await {
                Ok(()) => delete(&self.manifests).await?,
                // The target has no room for the records. Delete the files first: the releases are
                // not whole without them either, and the manifests still say which files they were.
                Err(error) if error.class() == ErrorClass::StorageFull => {
                    delete(&self.own).await?;
                    delete(&self.manifests).await?;
                    return delete(&self.incomplete).await;
                }
                Err(error) => return Err(error),
            }
        }
        delete(&self.own).await?;
        delete(&self.incomplete).await
    }
}
