use std::fmt;
use std::io::Cursor;
use std::path::Path;

use minisign::{KeyPair, PublicKey, SecretKey, SecretKeyBox};

use super::{Signer, TrustedKey};
use crate::Error;

/// A secret key of minisign, unlocked, in memory.
///
/// `minisign -G` makes one in a file, with a password or (`-W`) without. `Debug` shows its public
/// key only.
#[derive(Clone)]
pub struct MinisignKey {
    secret: SecretKey,
    public: TrustedKey,
}

impl MinisignKey {
    /// Makes a new key. It lasts as long as this value, unless [`to_file_text`](Self::to_file_text)
    /// is kept.
    ///
    /// # Errors
    /// [`Error::MalformedKey`] when the machine has no source of randomness.
    pub fn generate() -> Result<Self, Error> {
        Self::new(KeyPair::generate_unencrypted_keypair().map_err(malformed)?.sk)
    }

    /// Reads the contents of a secret key's file; `password` opens one that is protected, and is
    /// not asked for. Opening takes as much time and memory as the key's file says, by minisign's
    /// own choice up to a second and a gigabyte.
    ///
    /// # Errors
    /// [`Error::KeyLocked`] for a protected key without its password; [`Error::MalformedKey`],
    /// also for a wrong password.
    pub fn parse(text: &str, password: Option<&str>) -> Result<Self, Error> {
        let key = SecretKeyBox::from_string(text).map_err(malformed)?;
        let unprotected = SecretKeyBox::from_string(text).map_err(malformed)?;
        // A password is read from the terminal where none is given: so it always is given.
        let secret = match (unprotected.into_unencrypted_secret_key(), password) {
            (Ok(secret), _) => Ok(secret),
            (Err(_), None) if is_protected(text) => return Err(Error::KeyLocked),
            (Err(error), None) => Err(error),
            (Err(_), Some(password)) => key.into_secret_key(Some(password.to_owned())),
        };
        Self::new(secret.map_err(malformed)?)
    }

    /// Reads a secret key's file; see [`parse`](Self::parse).
    ///
    /// # Errors
    /// Those of [`parse`](Self::parse); when the file cannot be read.
    pub fn read(path: impl AsRef<Path>, password: Option<&str>) -> Result<Self, Error> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path);
        Self::parse(&text.map_err(|source| Error::io("read", path, source))?, password)
    }

    /// The secret key, unprotected, as a file of minisign's.
    ///
    /// # Errors
    /// None in practice; the signature leaves the decision to the caller.
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

/// Whether a file's key is protected: then its key derivation is `Sc`, the third and fourth byte,
/// which after `Ed` make the base64 text begin as follows.
fn is_protected(text: &str) -> bool {
    text.lines().nth(1).is_some_and(|key| key.starts_with("RWRTY"))
}

#[expect(clippy::needless_pass_by_value, reason = "it is called by map_err")]
fn malformed(error: minisign::PError) -> Error {
    Error::MalformedKey { which: "secret", problem: error.to_string() }
}
