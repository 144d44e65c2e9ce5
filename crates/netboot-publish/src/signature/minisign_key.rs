//! Signing with a minisign secret key.

use std::fmt;
use std::io::Cursor;
use std::ops::Range;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use minisign::{KeyPair, PublicKey, SecretKey, SecretKeyBox};

use crate::error::Error;
use crate::signature::{KEY_LIMIT, Signer, TrustedKey};

/// The length of a secret key in bytes, and the positions of the key derivation's name and of the
/// checksum in it (`SeckeyStruct` in minisign's `src/minisign.h`).
const KEY_LENGTH: usize = 158;
const KDF: Range<usize> = 2..4;
const CHECKSUM: Range<usize> = 126..158;

/// An unlocked minisign secret key in memory.
///
/// `minisign -G` writes a key file, with a password or (`-W`) without. `Debug` shows only the
/// public key.
#[derive(Clone)]
pub struct MinisignKey {
    secret: SecretKey,
    public: TrustedKey,
}

impl MinisignKey {
    /// Makes a new key. It is lost with this value, unless the caller keeps
    /// [`to_file_text`](Self::to_file_text).
    ///
    /// # Errors
    /// [`Error::MalformedKey`] if the machine has no source of randomness.
    pub fn generate() -> Result<Self, Error> {
        Self::new(KeyPair::generate_unencrypted_keypair().map_err(malformed)?.sk)
    }

    /// Reads the text of a secret key file. `password` opens a protected key; this never asks for
    /// one. The key file sets the time and memory that opening takes. Keys that minisign makes
    /// take up to a second and a gigabyte.
    ///
    /// # Errors
    /// [`Error::KeyLocked`] for a protected key without its password; [`Error::MalformedKey`],
    /// also for a wrong password.
    pub fn parse(text: &str, password: Option<&str>) -> Result<Self, Error> {
        let key = SecretKeyBox::from_string(text).map_err(malformed)?;
        let bytes = text.lines().nth(1).and_then(|line| BASE64_STANDARD.decode(line.trim()).ok());
        let secret = match (bytes, password) {
            (Some(bytes), None) if bytes.get(KDF) == Some(b"Sc") => return Err(Error::KeyLocked),
            // Without a password, the crate would ask for one on the terminal.
            (Some(bytes), Some(password)) if bytes.get(KDF) == Some(b"Sc") => {
                key.into_secret_key(Some(password.to_owned()))
            }
            (Some(bytes), _) if lacks_checksum(&bytes) => SecretKey::from_bytes(&bytes),
            _ => key.into_unencrypted_secret_key(),
        };
        Self::new(secret.map_err(malformed)?)
    }

    /// Reads a secret key file; see [`parse`](Self::parse).
    ///
    /// This reads a file and can take a second of computing, so asynchronous code calls it with
    /// [`netboot_core::blocking`]:
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), netboot_publish::Error> {
    /// use netboot_core::blocking;
    /// use netboot_publish::MinisignKey;
    ///
    /// let key = blocking(|| MinisignKey::read("/etc/netboot/secret.key", None)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The errors of [`parse`](Self::parse); if the file cannot be read.
    pub fn read(path: impl AsRef<Path>, password: Option<&str>) -> Result<Self, Error> {
        Self::parse(&netboot_core::read_regular_text(path, KEY_LIMIT)?, password)
    }

    /// Returns the secret key, without a password, in the format of minisign's key files.
    ///
    /// # Errors
    /// [`Error::MalformedKey`] if the key cannot be written as text, which does not happen to a
    /// valid key.
    pub fn to_file_text(&self) -> Result<String, Error> {
        let comment = Some("netboot release key");
        Ok(self.secret.to_box(comment).map_err(malformed)?.into_string())
    }

    fn new(secret: SecretKey) -> Result<Self, Error> {
        let public = PublicKey::from_secret_key(&secret).map_err(malformed)?;
        Ok(Self { public: TrustedKey::parse(&public.to_base64())?, secret })
    }
}

impl Signer for MinisignKey {
    fn public_key(&self) -> &TrustedKey {
        &self.public
    }

    fn sign(&self, manifest: &[u8], trusted_comment: &str) -> Result<String, Error> {
        let untrusted_comment = Some("signature from netboot's minisign key");
        let data = Cursor::new(manifest);
        let signed =
            minisign::sign(None, &self.secret, data, Some(trusted_comment), untrusted_comment);
        Ok(signed.map_err(malformed)?.into_string())
    }
}

impl fmt::Debug for MinisignKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MinisignKey").field("public", &self.public).finish_non_exhaustive()
    }
}

/// Returns true if minisign wrote the key with `-W`: such a key has no password and no checksum,
/// and the crate rejects it (`generate` in minisign's `src/minisign.c` writes a checksum only with
/// a password).
fn lacks_checksum(key: &[u8]) -> bool {
    key.len() == KEY_LENGTH && key[KDF] == [0, 0] && key[CHECKSUM].iter().all(|byte| *byte == 0)
}

#[expect(clippy::needless_pass_by_value, reason = "it is called by map_err")]
fn malformed(error: minisign::PError) -> Error {
    Error::MalformedKey { which: "secret", problem: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use netboot_core::{ReleaseId, Sha256Digest};

    use super::*;
    use crate::signature::signature_file::check;
    use crate::signature::trusted_comment;
    use crate::signature::trusted_keys::TrustedKeys;

    /// Anyone who can write to the target can write the signature file too.
    #[test]
    fn a_signature_that_was_changed_or_cut_anywhere_is_refused_and_never_panics() {
        let key: Arc<dyn Signer> = Arc::new(MinisignKey::generate().unwrap());
        let release = ReleaseId::from(Sha256Digest::of(b"a"));
        let manifest = b"a manifest";
        let signed = key.sign(manifest, &trusted_comment(&release)).unwrap();
        let keys = TrustedKeys::from(key.public_key().clone());
        let comment = trusted_comment(&release);
        let checked = |signature: &[u8]| check(&keys, manifest, &comment, Some(signature));
        assert_eq!(checked(signed.as_bytes()), Ok(()));

        let trusted = signed.find("trusted comment: netboot").unwrap();
        let trusted = trusted..trusted + signed[trusted..].find('\n').unwrap();
        for position in 0..signed.len() {
            assert!(
                checked(&signed.as_bytes()[..position]).is_err() || position + 2 > signed.len()
            );
            for byte in [0, b'\n', b' ', 0x80, 0xff, signed.as_bytes()[position] ^ 1] {
                let mut changed = signed.clone().into_bytes();
                changed[position] = byte;
                let checked = checked(&changed);
                let is_changed = changed != signed.as_bytes() && trusted.contains(&position);
                assert!(!is_changed || checked.is_err(), "{position}: {byte}");
            }
        }
    }
}
