//! The objects that a manifest promises.

use std::collections::BTreeMap;

use netboot_core::{Content, Manifest, ReleasePath, layout};

use crate::receipt::Staged;

/// Objects by their paths at the target.
pub(crate) type Objects = BTreeMap<ReleasePath, Content>;

/// Returns all objects that a whole release has at a target, except its manifest. They include
/// the texts of its entry points, which activation needs.
pub(crate) fn required(manifest: &Manifest) -> Objects {
    let mut required = manifest.objects();
    let entry_points = manifest.entry_points().values();
    required.extend(entry_points.map(|content| (layout::blob(&content.sha256), *content)));
    required
}

/// Returns the logs of a release, by their paths at the target.
pub(crate) fn logs_of(manifest: &Manifest) -> Objects {
    let place = |path| layout::in_release(manifest.release(), path);
    manifest.logs().iter().map(|(path, content)| (place(path), *content)).collect()
}

/// Counts all objects of a release as present, and none as sent.
pub(crate) fn all_present(manifest: &Manifest) -> Staged {
    let mut staged = Staged::nothing(*manifest.release());
    for content in required(manifest).values() {
        staged.count(content.size, false);
    }
    staged
}
