//! Blobs, whose name tells their content: each is written once, unless it is damaged.

use futures::StreamExt;
use netboot_core::{ReleasePath, Sha256Hasher};
use object_store::ObjectStoreExt;

use crate::s3::target::Target;
use crate::store::Upload;

/// Whether an object with this content is there; by its bytes, since this is only asked when
/// another publisher was faster with the same blob, or the blob is damaged.
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

/// Whether an object may only be written where none is: what lies under a blob's name has its
/// bytes, unless it is damaged.
pub(super) fn is_unique(target: &Target, path: &ReleasePath) -> bool {
    target.compare_and_swap && path.as_str().starts_with("blobs/")
}
