//! The names of the old layout: symbolic links to the live release's blobs.

use std::collections::{BTreeMap, BTreeSet};

use netboot_core::{Manifest, ReleasePath, layout};

use crate::error::Error;
use crate::publisher::checks::place_state::{PlaceState, link_state};
use crate::store::Store;

/// The name of a kernel in the old layout, for every architecture.
const KERNEL: &str = "bzImage";
const INITRD: &str = "initrd";

/// Returns the links of a release, each with its target.
pub(crate) fn legacy_links(manifest: &Manifest) -> Result<BTreeMap<ReleasePath, String>, Error> {
    let mut links = BTreeMap::new();
    for (profile, image) in manifest.images() {
        let kernel_names = BTreeSet::from([KERNEL, image.boot.architecture().kernel_file_name()]);
        let kernel = layout::blob(&image.kernel.sha256);
        let kernels = kernel_names.into_iter().map(|name| (name, kernel.clone()));
        let initrd = image.initrds.first().map(|initrd| (INITRD, layout::blob(&initrd.sha256)));
        for (name, blob) in kernels.chain(initrd) {
            links.insert(ReleasePath::new(format!("{profile}/{name}"))?, format!("../{blob}"));
            links.insert(ReleasePath::new(format!("{name}-{profile}"))?, blob.to_string());
        }
    }
    Ok(links)
}

/// Returns the links of `old` that `new` lacks, as far as they exist and netboot made them.
pub(crate) async fn abandoned_links(
    store: &dyn Store,
    old: &Manifest,
    new: &Manifest,
) -> Result<Vec<ReleasePath>, Error> {
    let kept = legacy_links(new)?;
    let mut old = legacy_links(old)?;
    old.retain(|path, _| !kept.contains_key(path));
    let paths: Vec<ReleasePath> = old.keys().cloned().collect();
    let found = store.stat(&paths).await?;
    old.retain(|path, target| {
        let state = link_state(found.get(path), target);
        matches!(state, PlaceState::Right | PlaceState::Outdated)
    });
    Ok(old.into_keys().collect())
}
