//! The hashes of Nix archives.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use foreign_text::ForeignText;
use netboot_core::DocumentKind;

use crate::error::Error;

/// The hexadecimal digits of a hash in the form `sha256-<base64>`, which Nix writes.
///
/// # Errors
/// [`Error::Unwritable`] for another text: a document without the digest would say less than its
/// reader expects.
pub(crate) fn hex_of(nar_hash: &str, document: DocumentKind) -> Result<String, Error> {
    let base64 = nar_hash.strip_prefix("sha256-");
    let digest = base64.and_then(|base64| BASE64_STANDARD.decode(base64).ok());
    match digest {
        Some(digest) if digest.len() == 32 => Ok(hex::encode(digest)),
        _ => {
            let problem = format!("the NAR hash `{nar_hash}` has not the form `sha256-<base64>`");
            Err(Error::Unwritable { document, problem: ForeignText::new(problem) })
        }
    }
}
