//! What the fuzz targets of `fuzz/` do with bytes from outside. Exists in fuzz builds and in tests.
#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a panic is how a fuzz target reports a broken rule"
)]

use bytes::Bytes;
use netboot_core::{ReleaseId, Sha256Digest};

use crate::pointer::{Activation, Pointer, PointerContent};
use crate::signature::{TrustedKey, check};

/// A pointer is read as it was written.
pub fn pointer(data: &[u8]) {
    if let PointerContent::Pointer(pointer) = Pointer::parse(&Bytes::copy_from_slice(data)) {
        let again = Pointer::parse(&pointer.to_bytes());
        assert_eq!(again, PointerContent::Pointer(pointer.clone()));
        assert!(pointer.live().is_some());
        let _ = (pointer.previous(), pointer.history.iter().map(Activation::at).max());
    }
}

/// No key and no signature from outside verifies a manifest that it did not sign. The input is a
/// public key and, after an empty line, a signature.
pub fn signature(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (key, signature) = text.split_once("\n\n").unwrap_or((&text, ""));
    if let Ok(key) = TrustedKey::parse(key) {
        let id = ReleaseId::of([("file", &Sha256Digest::of(data))]);
        let manifest = Sha256Digest::of(b"a manifest that nobody signed");
        let signature = Some(signature.as_bytes());
        let problem = check(&[key], &id, manifest.as_bytes(), signature).unwrap_err();
        let _ = (problem.to_string(), problem.hint());
    }
}

/// A listing has times that the clock can represent, and a listing that does not end is an error.
#[cfg(feature = "s3")]
pub fn s3_listing(data: &[u8]) {
    use crate::s3::page::{Page, PageStart, parse_uploads};

    let token = PageStart::Token("token");
    if let Ok(page) = Page::parse(data, token) {
        assert_ne!(page.next.as_deref(), Some("token"));
        assert!(page.objects.iter().all(|object| object.modified >= std::time::UNIX_EPOCH));
    }
    if let Ok((_, Some(next))) = parse_uploads(data, None) {
        assert!(parse_uploads(data, Some(&next)).is_ok_and(|(_, again)| again.is_none()));
    }
}

/// Every line that rsync could print is read.
#[cfg(feature = "rsync")]
pub fn rsync_listing(data: &[u8]) {
    use crate::rsync::listing::{is_new, is_unfinished, parse};

    for line in String::from_utf8_lossy(data).lines() {
        let _ = is_new(line);
        if let Some(listed) = parse(line) {
            let _ = is_unfinished(&listed.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use netboot_testbed::each_fuzz_seed;

    #[test]
    fn the_fuzz_targets_take_their_seeds() {
        each_fuzz_seed("pointer", super::pointer);
        each_fuzz_seed("signature", super::signature);
        #[cfg(feature = "s3")]
        each_fuzz_seed("s3_listing", super::s3_listing);
        #[cfg(feature = "rsync")]
        each_fuzz_seed("rsync_listing", super::rsync_listing);
    }
}
