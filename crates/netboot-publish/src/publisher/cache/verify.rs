//! Verifying the binary cache.

use std::sync::Arc;

use netboot_core::{
    Artifact, ArtifactKind, ClosureManifest, FileName, FileRecord, Manifest, layout,
};

use crate::binary_cache::BinaryCache;
use crate::error::Error;
use crate::finding::Finding;
use crate::publisher::Publisher;
use crate::publisher::cache::survey::CacheSurvey;
use crate::publisher::cache::wanted::{WantedNarInfos, wanted};
use crate::publisher::checks::depth::VerifyDepth;
use crate::publisher::inventory::cache_record::CacheRecord;
use crate::publisher::inventory::nar_infos::CacheFiles;
use crate::publisher::inventory::stored_artifact::StoredArtifact;
use crate::store::Entry;
use crate::verify_report::VerifyReport;

impl Publisher {
    /// Verifies the descriptions of a release that the binary cache has. Without the settings of
    /// the cache, this only finds missing descriptions. `record` is the record of the release, and
    /// `listed` the files of the cache once they are listed.
    pub(crate) async fn verify_cache(
        &self,
        manifest: &Manifest,
        record: Option<CacheRecord>,
        listed: &mut Option<CacheFiles>,
        depth: VerifyDepth,
        report: &mut VerifyReport,
    ) -> Result<(), Error> {
        let store = self.store.as_ref();
        if let Some(cache) = &self.binary_cache {
            let wanted = match self.wanted_at_target(cache, manifest).await {
                // The check of the release's objects reports a damaged index.
                Err(Error::ClosureIndex { .. } | Error::Artifact(_) | Error::Io { .. }) => {
                    return Ok(());
                }
                wanted => wanted?,
            };
            if wanted.is_empty() {
                return Ok(());
            }
            let (release, reads_all) = (*manifest.release(), depth > VerifyDepth::Listing);
            let survey = CacheSurvey::of(store, cache, &wanted, &[release], reads_all).await?;
            let survey = survey.accept_moved(store).await?;
            report.objects += wanted.len();
            let findings = survey.states().filter_map(|(path, state)| state.finding(path));
            report.findings.extend(findings);
        } else if let Some(record) = record {
            let files = match listed {
                Some(files) => files,
                None => listed.insert(CacheFiles::list(store).await?),
            };
            report.objects += record.blobs.len();
            let is_object =
                |digest| matches!(files.nar_infos.get(digest), Some(Entry::Object { .. }));
            let missing = record.blobs.keys().filter(|digest| !is_object(digest));
            let missing = missing.map(|digest| Finding::Missing { path: layout::nar_info(digest) });
            report.findings.extend(missing);
        }
        Ok(())
    }

    /// Reads the indexes of a release at the target.
    pub(crate) async fn wanted_at_target(
        &self,
        cache: &BinaryCache,
        manifest: &Manifest,
    ) -> Result<WantedNarInfos, Error> {
        let index = |closure: &ClosureManifest| -> Option<Arc<dyn Artifact>> {
            let (store, kind) = (self.store.clone(), ArtifactKind::ClosureIndex);
            let record = FileRecord::new(FileName::from(&closure.index.sha256), closure.index);
            let path = layout::blob(&closure.index.sha256);
            Some(Arc::new(StoredArtifact { store, kind, record, path }))
        };
        wanted(cache, manifest, index).await
    }
}
