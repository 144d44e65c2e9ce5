//! The keys that sign the descriptions of a binary cache.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ed25519_compact::{KeyPair, PublicKey, SecretKey, Signature};

use crate::error::Error;
use crate::nar_info::{NarInfo, NarSignature, is_key_name};

/// The greatest size of a key file in bytes.
const FILE_LIMIT: u64 = 4096;

/// A secret key of Nix: `<name>:<64 bytes in base 64>`, as `nix key generate-secret` and
/// `nix-store --generate-binary-cache-key` write it. `Debug` shows only the public key.
///
/// ```
/// use netboot_closure::NixSecretKey;
///
/// let key = NixSecretKey::from_seed("cache.example.org-1", [7; 32])?;
/// assert!(key.public_key().to_string().starts_with("cache.example.org-1:"));
/// # Ok::<(), netboot_closure::Error>(())
/// ```
#[derive(Clone)]
pub struct NixSecretKey {
    secret: SecretKey,
    public: NixPublicKey,
}

/// A public key of Nix: `<name>:<32 bytes in base 64>`, as `trusted-public-keys` lists it.
#[derive(Clone, PartialEq, Eq)]
pub struct NixPublicKey {
    name: String,
    key: PublicKey,
}

impl NixSecretKey {
    /// Makes a key of its name and of 32 secret bytes.
    ///
    /// # Errors
    /// [`Error::NixKey`].
    pub fn from_seed(name: &str, seed: [u8; 32]) -> Result<Self, Error> {
        let malformed = |problem| Error::NixKey { problem };
        if !is_key_name(name) {
            return Err(malformed("its name is not plain"));
        }
        let pair = KeyPair::try_from_seed(seed.into()).map_err(|_| malformed("it is zero"))?;
        let public = NixPublicKey { name: name.to_owned(), key: pair.pk };
        Ok(Self { secret: pair.sk, public })
    }

    /// Reads a key file. It must be a regular file. This blocks its thread.
    ///
    /// # Errors
    /// [`Error::NixKey`]; [`Error::Artifact`] if the file cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        netboot_core::read_regular_text(path, FILE_LIMIT)?.trim_end().parse()
    }

    /// The public key.
    pub fn public_key(&self) -> &NixPublicKey {
        &self.public
    }

    /// Signs a description. Equal descriptions get equal signatures.
    pub fn sign(&self, info: NarInfo) -> NarInfo {
        let signature = self.secret.sign(info.fingerprint(), None);
        let base64 = BASE64_STANDARD.encode(&signature[..]);
        info.with_signature(NarSignature::new(&self.public.name, &base64))
    }
}

impl NixPublicKey {
    /// The name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns true if this key signed a description.
    pub fn has_signed(&self, info: &NarInfo) -> bool {
        let Some(signature) = info.signature() else { return false };
        let bytes = BASE64_STANDARD.decode(signature.base64()).unwrap_or_default();
        signature.key_name() == self.name
            && Signature::from_slice(&bytes)
                .is_ok_and(|bytes| self.key.verify(info.fingerprint(), &bytes).is_ok())
    }
}

impl FromStr for NixSecretKey {
    type Err = Error;

    /// # Errors
    /// [`Error::NixKey`]. The error does not show the text.
    fn from_str(text: &str) -> Result<Self, Error> {
        let malformed = |problem| Error::NixKey { problem };
        let form = "it is not `<name>:<64 bytes in base 64>`";
        let (name, base64) = text.split_once(':').ok_or_else(|| malformed(form))?;
        let bytes = BASE64_STANDARD.decode(base64).map_err(|_| malformed(form))?;
        let (seed, public) = bytes.split_first_chunk().ok_or_else(|| malformed(form))?;
        let key = Self::from_seed(name, *seed)?;
        match public {
            public if *public == key.public.key[..] => Ok(key),
            public if public.len() == PublicKey::BYTES => {
                Err(malformed("its secret and its public half do not belong together"))
            }
            _ => Err(malformed(form)),
        }
    }
}

impl FromStr for NixPublicKey {
    type Err = Error;

    /// # Errors
    /// [`Error::NixKey`].
    fn from_str(text: &str) -> Result<Self, Error> {
        let malformed = || Error::NixKey { problem: "it is not `<name>:<32 bytes in base 64>`" };
        let (name, base64) = text.split_once(':').ok_or_else(malformed)?;
        let bytes = BASE64_STANDARD.decode(base64).map_err(|_| malformed())?;
        let key = PublicKey::from_slice(&bytes).map_err(|_| malformed())?;
        let name = Some(name).filter(|name| is_key_name(name)).ok_or_else(malformed)?;
        Ok(Self { name: name.to_owned(), key })
    }
}

/// Writes the form of `trusted-public-keys`.
impl fmt::Display for NixPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, BASE64_STANDARD.encode(&self.key[..]))
    }
}

impl fmt::Debug for NixPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NixPublicKey({self})")
    }
}

impl fmt::Debug for NixSecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NixSecretKey").field("public", &self.public).finish_non_exhaustive()
    }
}
