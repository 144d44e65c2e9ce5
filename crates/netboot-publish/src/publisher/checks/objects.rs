//! The objects that a manifest promises.

use std::collections::{BTreeMap, BTreeSet};

use netboot_core::{Content, Manifest, Release, ReleasePath, layout};

use crate::receipt::Staged;

/// Objects by their paths at the target.
pub(crate) type Objects = BTreeMap<ReleasePath, Content>;

/// Returns all objects that a whole release has at a target, except its manifest and its build
/// logs. They include the texts of its entry points, which activation needs.
pub(crate) fn required(manifest: &Manifest) -> Objects {
    let mut required = manifest.objects();
    let entry_points = manifest.entry_points().values();
    required.extend(entry_points.map(|content| (layout::blob(&content.sha256), *content)));
    required
}

/// Returns the paths of a release's build logs at the target. Nothing promises their bytes.
pub(crate) fn log_places(release: &Release) -> BTreeSet<ReleasePath> {
    release.logs().keys().map(|path| layout::in_release(release.id(), path)).collect()
}

/// Counts all objects of a release as present, and none as sent.
pub(crate) fn all_present(manifest: &Manifest) -> Staged {
    let mut staged = Staged::nothing(*manifest.release());
    for content in required(manifest).values() {
        staged.count(content.size, false);
    }
    staged
}
