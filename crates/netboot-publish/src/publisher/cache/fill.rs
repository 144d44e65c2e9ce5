//! Writing the descriptions of a release into the binary cache.

use std::collections::BTreeMap;

use bytes::Bytes;
use netboot_core::{Context, Release, ReleaseId, StorePathDigest, blocking, layout};

use crate::binary_cache::BinaryCache;
use crate::error::Error;
use crate::publisher::Publisher;
use crate::publisher::cache::survey::CacheSurvey;
use crate::publisher::cache::wanted::{WantedNarInfos, wanted};
use crate::publisher::checks::depth::VerifyDepth;
use crate::publisher::inventory::cache_record::CacheRecord;
use crate::publisher::inventory::content::read_object;
use crate::publisher::inventory::nar_infos::blob_of;
use crate::publisher::uploads::upload;
use crate::receipt::CacheChange;
use crate::store::Upload;

impl Publisher {
    /// Returns the effect that staging a release would have on the binary cache.
    pub(crate) async fn plan_cache(&self, release: &Release) -> Result<Option<CacheChange>, Error> {
        let Some((cache, wanted)) = self.wanted_of(release).await? else { return Ok(None) };
        let survey = self.survey(cache, release.id(), &wanted).await?;
        Ok(Some(survey.change(cache, &wanted)))
    }

    /// Writes the descriptions that the binary cache lacks of a staged release.
    pub(crate) async fn fill_cache(
        &self,
        release: &Release,
        context: &Context,
    ) -> Result<Option<CacheChange>, Error> {
        let Some((cache, wanted)) = self.wanted_of(release).await? else { return Ok(None) };
        // Pruning holds the same lock while it deletes descriptions.
        let lock = self.store.lock(context).await?;
        let fill = async {
            let survey = self.survey(cache, release.id(), &wanted).await?;
            self.write_record(cache, release.id(), &wanted, context).await?;
            let uploads = uploads(cache, &wanted, &survey).await?;
            self.store.send(uploads, context).await?;
            Ok(survey.change(cache, &wanted))
        };
        lock.during(fill).await.map(Some)
    }

    /// Reads the indexes of a release if a binary cache is wanted and the release has closures.
    async fn wanted_of(
        &self,
        release: &Release,
    ) -> Result<Option<(&BinaryCache, WantedNarInfos)>, Error> {
        let Some(cache) = &self.binary_cache else { return Ok(None) };
        let index = |closure: &netboot_core::ClosureManifest| {
            release.blobs().get(&closure.index.sha256).cloned()
        };
        let wanted = wanted(cache, release.manifest(), index).await?;
        Ok((!wanted.is_empty()).then_some((cache, wanted)))
    }

    async fn survey(
        &self,
        cache: &BinaryCache,
        release: &ReleaseId,
        wanted: &WantedNarInfos,
    ) -> Result<CacheSurvey, Error> {
        let live = self.read_pointer().await?.live();
        let releases: Vec<ReleaseId> = live.into_iter().chain([*release]).collect();
        let reads_all = self.verification > VerifyDepth::Listing;
        CacheSurvey::of(self.store.as_ref(), cache, wanted, &releases, reads_all).await
    }

    /// Writes the record of a release's store paths. It comes before the descriptions, so that
    /// pruning finds those of a publisher that was killed.
    pub(crate) async fn write_record(
        &self,
        cache: &BinaryCache,
        release: &ReleaseId,
        wanted: &WantedNarInfos,
        context: &Context,
    ) -> Result<(), Error> {
        let blobs = wanted.iter().map(|(digest, info)| (digest.clone(), blob_of(info))).collect();
        let record = CacheRecord { key: cache.key.public_key(), blobs }.to_json()?;
        let path = layout::in_release(release, &layout::binary_cache_record());
        let there = read_object(self.store.as_ref(), &path).await?;
        if there.is_some_and(|there| there.bytes == record) {
            return Ok(());
        }
        self.store.send(vec![upload(path, record)?], context).await
    }
}

/// Makes the files that the survey misses.
pub(crate) async fn uploads(
    cache: &BinaryCache,
    wanted: &WantedNarInfos,
    survey: &CacheSurvey,
) -> Result<Vec<Upload>, Error> {
    let to_sign: WantedNarInfos = survey
        .to_write()
        .filter_map(|digest| Some((digest.clone(), wanted.get(digest)?.clone())))
        .collect();
    let key = cache.key.clone();
    let signed: BTreeMap<StorePathDigest, Bytes> = blocking(move || {
        let signed = |(digest, info)| (digest, key.sign(info).to_string().into());
        Ok::<_, Error>(to_sign.into_iter().map(signed).collect())
    })
    .await?;
    let mut uploads = Vec::new();
    for (digest, text) in signed {
        uploads.push(upload(layout::nar_info(&digest), text)?);
    }
    if survey.writes_info() {
        uploads.push(upload(layout::nix_cache_info(), cache.info().into())?);
    }
    Ok(uploads)
}
