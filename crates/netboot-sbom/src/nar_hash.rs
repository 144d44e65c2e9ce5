//! The hashes of Nix archives.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// The hexadecimal digits of a hash in the form `sha256-<base64>`, which Nix writes.
pub(crate) fn hex_of(nar_hash: &str) -> Option<String> {
    let digest = BASE64_STANDARD.decode(nar_hash.strip_prefix("sha256-")?).ok()?;
    (digest.len() == 32).then(|| hex::encode(digest))
}
