//! What web servers and caches are told of an object in a bucket.

use netboot_core::ReleasePath;
use object_store::{Attribute, Attributes};

use crate::WebHeaders;

/// The headers of the object at `path`.
pub(super) fn attributes(path: &ReleasePath) -> Attributes {
    let WebHeaders { content_type, cache_control } = WebHeaders::of(path);
    Attributes::from_iter([
        (Attribute::ContentType, content_type),
        (Attribute::CacheControl, cache_control),
    ])
}
