//! The secrets in a closure and in what it is built from.

pub(crate) mod cache;
mod origin;
mod store_files;
pub(crate) mod store_paths;

use std::sync::Arc;

use netboot_core::secret_scan::{SecretPlace, SecretPolicy, SecretReport};
use netboot_core::{Context, Phase, ProfileName};

use self::cache::Cache;
use self::origin::Origin;
use self::store_files::scan_paths;
use self::store_paths::{Scannable, StorePaths};
use crate::image::Parts;
use crate::stop::{Stop, blocking};

/// Adds the secrets in the store paths of `parts` to `report`. Paths in `cache` are not read again.
///
/// Dropping the future stops the threads.
pub(crate) async fn scan_store(
    policy: &SecretPolicy,
    parts: &Parts,
    paths: &Arc<StorePaths>,
    cache: &tokio::sync::Mutex<Cache>,
    report: &mut SecretReport<'_>,
    (profile, context): (&ProfileName, &Context),
) -> Result<(), Stop> {
    let _phase = context.phase(Phase::Scanning, Some(profile));
    // Scans of several profiles take turns, so that none reads what another one is reading.
    let mut cache = cache.lock().await;
    let outputs = paths.closure.iter().map(|(path, info)| Scannable {
        path: path.clone(),
        nar_hash: Some(info.nar_hash.clone()),
        size: info.nar_size,
    });
    // The path of a derivation or a source is made of a hash of its content.
    let inputs = paths.requisites.iter().filter(|path| !paths.closure.contains_key(*path));
    let inputs = inputs.map(|path| Scannable { path: path.clone(), nar_hash: None, size: 0 });
    let all: Vec<Scannable> = outputs.chain(inputs).collect();
    let missing = all.iter().filter(|it| !cache.contains(it)).cloned().collect();

    let token = context.cancellation().child_token();
    let _guard = token.clone().drop_guard();
    let of_scan = context.clone().with_cancellation(token);
    let (scan_policy, name) = (policy.clone(), profile.clone());
    let scan = move || scan_paths(missing, &scan_policy, &name, &of_scan);
    let scanned = netboot_core::blocking(scan).await?;
    cache.add(scanned);
    let saved = cache.clone();
    blocking(move || saved.save()).await?;

    let found: Vec<(SecretPlace, _)> = all.iter().flat_map(|it| cache.secrets(&it.path)).collect();
    if found.is_empty() {
        return Ok(());
    }
    let (paths, roots) = (paths.clone(), Origin::roots(parts));
    let origin = blocking(move || Ok(Origin::new(&roots, &paths))).await?;
    for (place, secret) in found {
        report.add(&place, &secret, || origin.chain(&place.container));
    }
    Ok(())
}
