//! The parts of a manifest, as its JSON has them, before they are checked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::closure::ClosureManifest;
use crate::content::Content;
use crate::digest::Sha256Digest;
use crate::image_manifest::ImageManifest;
use crate::layout::{self, ReleasePath};
use crate::name::ProfileName;
use crate::pointer_template::PointerTemplate;
use crate::release_id::ReleaseId;

/// `blobs` does not list the closures' files, because the descriptions of the images list them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parts {
    pub(super) version: u64,
    pub(super) release: ReleaseId,
    pub(super) files: BTreeMap<ReleasePath, Content>,
    pub(super) blobs: BTreeMap<Sha256Digest, u64>,
    pub(super) pointer: PointerTemplate,
    pub(super) entry_points: BTreeMap<ReleasePath, Content>,
    pub(super) images: BTreeMap<ProfileName, ImageManifest>,
}

impl Parts {
    /// Returns the paths of the images' build logs.
    pub(super) fn log_paths(&self) -> impl Iterator<Item = ReleasePath> {
        self.images.keys().map(layout::build_log)
    }

    /// Returns the files of the images' closures.
    pub(super) fn closures(&self) -> impl Iterator<Item = Content> {
        let closures = self.images.values().filter_map(|image| image.closure.as_ref());
        closures.flat_map(ClosureManifest::contents)
    }
}
