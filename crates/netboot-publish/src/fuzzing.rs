//! The functions of the fuzz targets in `fuzz/`. They exist in fuzz builds and in tests alone.
//! Each function returns true if the bytes were accepted.
#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a panic is how a fuzz target reports a broken rule"
)]

use bytes::Bytes;

use crate::pointer::activation::Activation;
use crate::pointer::{Pointer, PointerContent};
use crate::signature::TrustedKey;
use crate::signature::problem::SignatureProblem;
use crate::signature::signature_file::check;
use crate::signature::trusted_keys::TrustedKeys;

/// A pointer is read as it was written.
pub fn pointer(data: &[u8]) -> bool {
    let bytes = Bytes::copy_from_slice(data);
    let PointerContent::Pointer(pointer) = Pointer::parse(&bytes) else { return false };
    assert!(bytes.starts_with(&pointer.script));
    let again = Pointer::parse(&pointer.to_bytes());
    assert_eq!(again, PointerContent::Pointer(pointer.clone()));
    assert!(pointer.live().is_some());
    let _ = (pointer.previous(), pointer.history.iter().map(Activation::at).max());
    true
}

/// No key and no file of signatures from outside verifies a message that nobody signed. The input
/// is a public key and, after an empty line, the signatures.
pub fn signature(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let (key, signatures) = text.split_once("\n\n").unwrap_or((&text, ""));
    let Ok(key) = TrustedKey::parse(key) else { return false };
    let keys = TrustedKeys::new([key]).unwrap();
    let (message, comment) = (b"nobody signed this", "netboot release 0");
    let problem = check(&keys, message, comment, Some(signatures.as_bytes())).unwrap_err();
    let _ = (problem.to_string(), problem.hint());
    problem != SignatureProblem::Malformed
}

/// A listing has times that the clock can represent, and a listing that does not end is an error.
#[cfg(feature = "s3")]
pub fn s3_listing(data: &[u8]) -> bool {
    use crate::s3::page::{Page, PageStart, parse_uploads};

    let page = Page::parse(data, PageStart::Token("token"));
    if let Ok(page) = &page {
        assert_ne!(page.next.as_deref(), Some("token"));
        assert!(page.objects.iter().all(|object| object.modified >= std::time::UNIX_EPOCH));
    }
    if let Ok((_, Some(next))) = parse_uploads(data, None) {
        assert!(parse_uploads(data, Some(&next)).is_ok_and(|(_, again)| again.is_none()));
    }
    page.is_ok_and(|page| !page.objects.is_empty())
}

/// An artifact of a registry is read as it was written.
#[cfg(feature = "oci")]
pub fn oci_artifact(data: &[u8]) -> bool {
    use crate::oci::artifact::is_read_as_written;

    let read = is_read_as_written(data);
    assert_ne!(read, Some(false));
    read.is_some()
}

/// Every line that rsync could print is read.
#[cfg(feature = "rsync")]
pub fn rsync_listing(data: &[u8]) -> bool {
    use crate::rsync::listing::{is_new, is_unfinished, parse};

    let text = String::from_utf8_lossy(data);
    let listed = text.lines().inspect(|line| _ = is_new(line)).filter_map(parse);
    listed.inspect(|listed| _ = is_unfinished(&listed.path)).count() > 0
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
        #[cfg(feature = "oci")]
        each_fuzz_seed("oci_artifact", super::oci_artifact);
        #[cfg(feature = "rsync")]
        each_fuzz_seed("rsync_listing", super::rsync_listing);
    }
}
