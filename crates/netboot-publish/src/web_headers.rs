//! The HTTP headers of published objects.

use netboot_core::layout::{self, Area};
use netboot_core::{DocumentKind, ReleasePath};

/// For objects that never change: caches keep them for one year (RFC 9111) and do not revalidate
/// them (RFC 8246).
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// For objects that may change at any time: caches revalidate them on each request.
const NO_CACHE: &str = "no-cache";

/// The headers with which a web server serves an object of a target. `S3Store` sets them in the
/// bucket. A service that serves a directory itself sends them.
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
    /// `Content-Type`. Browsers use it to show text. iPXE ignores it and recognizes images by their
    /// content.
    pub content_type: &'static str,
    /// `Cache-Control`. Blobs are immutable, and so are the scripts and documents of a release,
    /// which the release id covers. The manifest, its signature, the text of the pointer and the
    /// logs only describe the release and may be rewritten.
    pub cache_control: &'static str,
}

impl WebHeaders {
    /// The headers of the object at `path`.
    pub fn of(path: &ReleasePath) -> Self {
        let area = Area::of(path.as_str());
        let is_blob = area == Area::Blobs;
        let content_type = match path.as_str().rsplit_once('.') {
            Some((_, "ipxe" | "log" | "txt" | "minisig")) if !is_blob => {
                "text/plain; charset=utf-8"
            }
            Some((_, "json")) if !is_blob => json(area, path),
            // Some firmware starts only programs of this type (UEFI 2.10, section 24.7).
            Some((_, "efi")) if !is_blob => "application/efi",
            Some((_, "narinfo")) if !is_blob => "text/x-nix-narinfo",
            _ => "application/octet-stream",
        };
        let in_release = path.as_str().splitn(3, '/').nth(2);
        let is_covered = |path: &str| {
            let is_log = path.ends_with("/build.log");
            (path.contains('/') && !is_log) || path == layout::boot_script().as_str()
        };
        let cache_control = match area {
            Area::Blobs => IMMUTABLE,
            Area::Releases if in_release.is_some_and(is_covered) => IMMUTABLE,
            _ => NO_CACHE,
        };
        Self { content_type, cache_control }
    }
}

/// The media type of a JSON file. The documents of a release have types of their own, which IANA
/// registered for CycloneDX, and which the specification of in-toto attestations names.
fn json(area: Area, path: &ReleasePath) -> &'static str {
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    let is = |kind: DocumentKind| area == Area::Releases && name == kind.file_name();
    if is(DocumentKind::Sbom) {
        "application/vnd.cyclonedx+json"
    } else if is(DocumentKind::Provenance) {
        "application/vnd.in-toto+json"
    } else {
        "application/json"
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
            ("boot-x86_64.efi", "application/efi", NO_CACHE),
            ("worker/boot-aarch64.efi", "application/efi", NO_CACHE),
            ("worker/netboot.ipxe", "text/plain; charset=utf-8", NO_CACHE),
            ("releases/0/boot.ipxe", "text/plain; charset=utf-8", IMMUTABLE),
            ("releases/0/worker/netboot.ipxe", "text/plain; charset=utf-8", IMMUTABLE),
            ("releases/0/worker/build.log", "text/plain; charset=utf-8", NO_CACHE),
            ("releases/0/worker/sbom.cdx.json", "application/vnd.cyclonedx+json", IMMUTABLE),
            ("releases/0/worker/provenance.intoto.json", "application/vnd.in-toto+json", IMMUTABLE),
            ("worker/sbom.cdx.json", "application/json", NO_CACHE),
            ("releases/0/manifest.json", "application/json", NO_CACHE),
            ("releases/0/manifest.json.minisig", "text/plain; charset=utf-8", NO_CACHE),
            ("releases/0/incomplete.json", "application/json", NO_CACHE),
            ("s66mzxpvicwk07gjbjfw9izjfa797vsw.narinfo", "text/x-nix-narinfo", NO_CACHE),
            ("blobs/0123", "application/octet-stream", IMMUTABLE),
        ] {
            let path = ReleasePath::new(path).unwrap();
            assert_eq!(WebHeaders::of(&path), WebHeaders { content_type, cache_control });
        }
    }
}
