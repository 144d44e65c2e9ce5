//! The parts of a manifest that the release's id covers.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::boot_spec::BootSpec;
use crate::closure::ClosureManifest;
use crate::content::{Content, FileRecord};
use crate::digest::{Sha256Digest, Sha256Hasher};
use crate::error::Error;
use crate::image_manifest::ImageManifest;
use crate::layout::ReleasePath;
use crate::manifest::parts::Parts;
use crate::name::{ProfileName, ServiceName, Title};
use crate::pointer_template::PointerTemplate;
use crate::release_id::ReleaseId;

/// Everything that decides what machines boot. A change of a field's name or place changes the id
/// of every release, so it needs a new version of the manifest.
#[derive(Serialize)]
struct Covered<'a> {
    files: &'a BTreeMap<ReleasePath, Content>,
    blobs: &'a BTreeMap<Sha256Digest, u64>,
    pointer: &'a PointerTemplate,
    entry_points: &'a BTreeMap<ReleasePath, Content>,
    images: BTreeMap<&'a ProfileName, CoveredImage<'a>>,
}

/// The description of an image without its origin: equal images can come from different sources.
#[derive(Serialize)]
struct CoveredImage<'a> {
    title: &'a Title,
    services: &'a [ServiceName],
    boot: &'a BootSpec,
    kernel: &'a FileRecord,
    initrds: &'a [FileRecord],
    #[serde(skip_serializing_if = "Option::is_none")]
    uki: Option<&'a FileRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closure: Option<&'a ClosureManifest>,
}

impl<'a> Covered<'a> {
    fn of(parts: &'a Parts) -> Self {
        // There is no `..`, so the compiler asks whether the id covers a new field.
        let Parts { version: _, release: _, files, blobs, pointer, entry_points, images } = parts;
        let images = images.iter().map(|(profile, image)| (profile, CoveredImage::of(image)));
        Self { files, blobs, pointer, entry_points, images: images.collect() }
    }
}

impl<'a> CoveredImage<'a> {
    fn of(image: &'a ImageManifest) -> Self {
        let ImageManifest { title, services, boot, kernel, initrds, uki, closure, provenance: _ } =
            image;
        let (uki, closure) = (uki.as_ref(), closure.as_ref());
        Self { title, services, boot, kernel, initrds, uki, closure }
    }
}

/// Computes the id: the digest of the line `netboot release 2` and of the covered parts as JSON
/// without white space.
pub(super) fn id(parts: &Parts) -> Result<ReleaseId, Error> {
    let json = serde_json::to_vec(&Covered::of(parts));
    let json = json.map_err(|source| Error::MalformedManifest { source })?;
    let mut hasher = Sha256Hasher::new();
    hasher.update(b"netboot release 2\n");
    hasher.update(&json);
    Ok(hasher.finish().0.into())
}
