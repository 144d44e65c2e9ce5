//! What web servers and caches are told of an object.

use netboot_core::ReleasePath;

/// For what never changes: a year, the longest that HTTP has a meaning for (RFC 9111), and no
/// question asked meanwhile (RFC 8246).
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// For what may change at any time: to be asked for each time.
const NO_CACHE: &str = "no-cache";

/// What a web server that serves a target says of an object: `S3Store` gives these to a bucket,
/// and a service that serves a directory itself sends them.
///
/// ```
/// use netboot_publish::WebHeaders;
///
/// let headers = WebHeaders::of(&"current.ipxe".parse()?);
/// assert_eq!(headers.cache_control, "no-cache");
/// # Ok::<(), netboot_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebHeaders {
    /// `Content-Type`: iPXE tells images by their content and never looks at it; browsers show
    /// text as text.
    pub content_type: &'static str,
    /// `Cache-Control`: blobs are immutable, and so are the scripts of a release, which its id
    /// covers, and its logs. Its manifest, the manifest's signature and the text of its pointer
    /// explain it only, and may be written anew.
    pub cache_control: &'static str,
}

impl WebHeaders {
    /// Those of the object at `path`.
    pub fn of(path: &ReleasePath) -> Self {
        let is_blob = path.as_str().starts_with("blobs/");
        let content_type = match path.as_str().rsplit_once('.') {
            Some((_, "ipxe" | "log" | "txt" | "minisig")) if !is_blob => {
                "text/plain; charset=utf-8"
            }
            Some((_, "json")) if !is_blob => "application/json",
            _ => "application/octet-stream",
        };
        let parts: Vec<&str> = path.as_str().split('/').collect();
        let cache_control = match parts[..] {
            ["blobs", ..] | ["releases", _, _, _, ..] | ["releases", _, "boot.ipxe"] => IMMUTABLE,
            _ => NO_CACHE,
        };
        Self { content_type, cache_control }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_id_of_a_release_covers_is_immutable_and_all_else_is_asked_for() {
        for (path, content_type, cache_control) in [
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
            assert_eq!(WebHeaders::of(&path), WebHeaders { content_type, cache_control });
        }
    }
}
