//! The descriptions that the closures of a release need.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use netboot_closure::NarInfo;
use netboot_core::{
    Artifact, ClosureManifest, Manifest, ProfileName, Sha256Digest, StorePathDigest, blocking,
};
use tokio::io::AsyncReadExt;

use crate::binary_cache::BinaryCache;
use crate::error::Error;
use crate::publisher::inventory::nar_infos::blob_of;

/// The descriptions that a release needs, without signatures.
pub(crate) type WantedNarInfos = BTreeMap<StorePathDigest, NarInfo>;

/// Reads the indexes of a release. `index` finds the artifact of an index.
pub(crate) async fn wanted(
    cache: &BinaryCache,
    manifest: &Manifest,
    index: impl Fn(&ClosureManifest) -> Option<Arc<dyn Artifact>>,
) -> Result<WantedNarInfos, Error> {
    let (mut wanted, mut seen) = (WantedNarInfos::new(), BTreeSet::new());
    for (profile, image) in manifest.images() {
        let Some(closure) = &image.closure else { continue };
        if !seen.insert(closure.index.sha256) {
            continue;
        }
        let artifact = index(closure);
        let artifact = artifact.ok_or_else(|| Error::index(profile, "it is missing"))?;
        for info in read(cache, profile, closure, &artifact).await? {
            let digest = StorePathDigest::new(info.path().digest())?;
            // Two profiles may have a store path in different blobs. Either is right.
            wanted.entry(digest).or_insert(info);
        }
    }
    Ok(wanted)
}

/// Reads an index, and checks that its blobs are those of the release.
async fn read(
    cache: &BinaryCache,
    profile: &ProfileName,
    closure: &ClosureManifest,
    artifact: &Arc<dyn Artifact>,
) -> Result<Vec<NarInfo>, Error> {
    let mut bytes = Vec::new();
    let reader = artifact.open().await?.take(closure.index.size + 1);
    let mut reader = Box::pin(reader);
    let name = artifact.file_name().as_str();
    reader.read_to_end(&mut bytes).await.map_err(|source| Error::io("read", name, source))?;
    let key = cache.key.clone();
    let (expected, index) = (closure.index.sha256, profile.clone());
    let index = blocking(move || {
        if Sha256Digest::of(&bytes) != expected {
            return Err(Error::index(&index, "its bytes are not those of the release"));
        }
        key.read_index(&bytes).map_err(|error| Error::index(&index, &error.to_string()))
    })
    .await?;
    let infos = index.entries().iter().map(|entry| {
        let info = NarInfo::new(entry);
        if closure.blobs.get(&blob_of(&info)) == Some(&info.blob_size()) {
            Ok(info)
        } else {
            let problem = format!("the release lacks the blob of {}", info.path());
            Err(Error::index(profile, &problem))
        }
    });
    infos.collect()
}
