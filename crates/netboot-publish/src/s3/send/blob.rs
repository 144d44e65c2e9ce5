//! Blobs are named after their content, so each is written only once, unless it is damaged.

use futures::StreamExt;
use netboot_core::layout::Area;
use netboot_core::{ReleasePath, Sha256Hasher};
use object_store::ObjectStoreExt;

use crate::s3::target::Target;
use crate::store::Upload;

/// Returns true if the object has the content of the upload. It reads all bytes: this is only
/// called if another publisher wrote the same blob first, or if the blob is damaged.
pub(super) async fn is_there(target: &Target, upload: &Upload) -> bool {
    let content = upload.content();
    let key = target.keys.key(upload.path());
    let Ok(there) = target.client.reads.get(&key).await else { return false };
    if there.meta.size != content.size {
        return false;
    }
    let mut hasher = Sha256Hasher::new();
    let mut pieces = there.into_stream();
    while let Some(piece) = pieces.next().await {
        let Ok(piece) = piece else { return false };
        hasher.update(&piece);
    }
    hasher.finish() == (content.sha256, content.size)
}

/// Returns true for a blob: an existing object with this name has its bytes, unless it is damaged.
pub(super) fn is_unique(target: &Target, path: &ReleasePath) -> bool {
    target.compare_and_swap && Area::of(path.as_str()) == Area::Blobs
}
