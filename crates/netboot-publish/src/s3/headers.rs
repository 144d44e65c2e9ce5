//! What web servers and caches are told of an object.

use netboot_core::ReleasePath;
use object_store::{Attribute, Attributes};

/// For what never changes: a year, the longest that HTTP has a meaning for (RFC 9111), and no
/// question asked meanwhile (RFC 8246).
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// For what may change at any time: to be asked for each time.
const NO_CACHE: &str = "no-cache";

/// The headers of the object at `path`.
pub(super) fn attributes(path: &ReleasePath) -> Attributes {
    Attributes::from_iter([
        (Attribute::ContentType, content_type(path)),
        (Attribute::CacheControl, cache_control(path)),
    ])
}

/// iPXE tells images by their content and never looks at the type; browsers show text as text.
fn content_type(path: &ReleasePath) -> &'static str {
    let is_blob = path.as_str().starts_with("blobs/");
    match path.as_str().rsplit_once('.') {
        Some((_, "ipxe" | "log" | "txt" | "minisig")) if !is_blob => "text/plain; charset=utf-8",
        Some((_, "json")) if !is_blob => "application/json",
        _ => "application/octet-stream",
    }
}

/// Blobs are immutable, and so are the scripts of a release, which its id covers, and its logs.
/// Its manifest, the manifest's signature and the text of its pointer explain it only, and may be
/// written anew.
fn cache_control(path: &ReleasePath) -> &'static str {
    let parts: Vec<&str> = path.as_str().split('/').collect();
    match parts[..] {
        ["blobs", ..] | ["releases", _, _, _, ..] | ["releases", _, "boot.ipxe"] => IMMUTABLE,
        _ => NO_CACHE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_id_of_a_release_covers_is_immutable_and_all_else_is_asked_for() {
        for (path, content_type, cached) in [
            ("current.ipxe", "text/plain; charset=utf-8", NO_CACHE),
            ("boot.ipxe", "text/plain; charset=utf-8", NO_CACHE),
            ("worker/netboot.ipxe", "text/plain; charset=utf-8", NO_CACHE),
            ("releases/0/boot.ipxe", "text/plain; charset=utf-8", IMMUTABLE),
            ("releases/0/worker/netboot.ipxe", "text/plain; charset=utf-8", IMMUTABLE),
            ("releases/0/worker/build.log", "text/plain; charset=utf-8", IMMUTABLE),
            ("releases/0/manifest.json", "application/json", NO_CACHE),
            ("releases/0/manifest.json.minisig", "text/plain; charset=utf-8", NO_CACHE),
            ("releases/0/incomplete.json", "application/json", NO_CACHE),
            ("blobs/0123", "application/octet-stream", IMMUTABLE),
        ] {
            let path = ReleasePath::new(path).unwrap();
            assert_eq!((self::content_type(&path), cache_control(&path)), (content_type, cached));
        }
    }
}
