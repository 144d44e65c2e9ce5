//! Signatures of manifests: signers, trusted keys, and the check of a signature.

#[cfg(feature = "minisign")]
pub(crate) mod minisign_key;
pub(crate) mod problem;
pub(crate) mod signature_file;
pub(crate) mod trusted_keys;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use minisign_verify::PublicKey;
use netboot_core::ReleaseId;

use crate::error::Error;

/// Signs manifests: with a key in a file (`MinisignKey` of the feature `minisign`), or with a key
/// that a caller keeps in hardware.
///
/// A manifest has the size and digest of every part of a release, and says how images start. Its
/// signature therefore covers kernels, initrds, `init`, kernel parameters, scripts, the text of the
/// pointer, entry points and logs.
///
/// # Contract
/// `sign` returns a signature file in minisign's format (prehashed, `ED`), over exactly these bytes
/// and with this trusted comment. [`public_key`](Self::public_key) verifies it. The publisher
/// calls `sign` once for each unsigned manifest, and it may be slow. No error and no `Debug`
/// output contains the secret.
///
/// ```
/// use std::fmt;
/// use netboot_core::{Context, Report};
/// use netboot_publish::{Error, MemoryStore, Publisher, Signer, TrustedKey};
/// # use netboot_publish::contract::sample_release;
///
/// /// A key in this program's memory. Another signer could ask a token or a service.
/// struct KeyInMemory {
///     public: TrustedKey,
///     secret: minisign::SecretKey,
/// }
///
/// impl fmt::Debug for KeyInMemory {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         f.debug_struct("KeyInMemory").field("public", &self.public).finish_non_exhaustive()
///     }
/// }
///
/// impl Signer for KeyInMemory {
///     fn public_key(&self) -> &TrustedKey {
///         &self.public
///     }
///
///     fn sign(&self, manifest: &[u8], trusted_comment: &str) -> Result<String, Error> {
///         let signed = minisign::sign(None, &self.secret, manifest, Some(trusted_comment), None);
///         let failed = |error| Error::signer(Report::foreign(error));
///         signed.map(|signature| signature.to_string()).map_err(failed)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let release = sample_release("one");
/// let pair = minisign::KeyPair::generate_unencrypted_keypair()?;
/// let public = TrustedKey::parse(&pair.pk.to_base64())?;
/// let signer = KeyInMemory { public: public.clone(), secret: pair.sk };
/// let publisher =
///     Publisher::new(MemoryStore::new()).with_signer(signer).with_trusted_keys(public);
/// publisher.publish(&release, &Context::new()).await?;
/// # Ok(())
/// # }
/// ```
pub trait Signer: fmt::Debug + Send + Sync {
    /// The key that verifies this signer's signatures.
    fn public_key(&self) -> &TrustedKey;

    /// Makes the signature file for `manifest`.
    ///
    /// # Errors
    /// If the signer cannot sign: [`Error::signer`] makes the error.
    fn sign(&self, manifest: &[u8], trusted_comment: &str) -> Result<String, Error>;
}

/// Implements the trait for a pointer.
macro_rules! forward_signer {
    ($pointer:ident) => {
        impl<S: Signer + ?Sized> Signer for $pointer<S> {
            fn public_key(&self) -> &TrustedKey {
                (**self).public_key()
            }

            fn sign(&self, manifest: &[u8], trusted_comment: &str) -> Result<String, Error> {
                (**self).sign(manifest, trusted_comment)
            }
        }
    };
}

// Several publishers, for example of several sites, can share a signer.
forward_signer!(Arc);
forward_signer!(Box);

/// The position of the Ed25519 key in a minisign public key, after the algorithm and the key id
/// (`PubkeyStruct` in minisign's `src/minisign.h`).
const KEY_POSITION: usize = 10;

/// The maximum size in bytes of a key file.
pub(crate) const KEY_LIMIT: u64 = 64 * 1024;

/// A minisign public key that is trusted to sign releases.
///
/// ```
/// use netboot_publish::TrustedKey;
///
/// let key = TrustedKey::parse("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3")?;
/// # assert!(TrustedKey::parse("RWQf6LRCGA9i53mlYecO4").is_err());
/// # Ok::<(), netboot_publish::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TrustedKey {
    key: PublicKey,
    text: String,
    /// The Ed25519 key without minisign's key id, which is not part of it.
    bytes: Vec<u8>,
}

impl TrustedKey {
    /// Reads the text of a `minisign.pub` file, or only its line with the key.
    ///
    /// # Errors
    /// [`Error::MalformedKey`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let malformed = |problem: String| Error::MalformedKey { which: "public", problem };
        let line = text
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty() && !line.starts_with("untrusted comment:"));
        let line = line.ok_or_else(|| malformed("it is empty".to_owned()))?;
        let key = PublicKey::from_base64(line).map_err(|error| malformed(error.to_string()))?;
        let bytes = BASE64_STANDARD.decode(line).map_err(|error| malformed(error.to_string()))?;
        Ok(Self { key, text: line.to_owned(), bytes: bytes[KEY_POSITION..].to_vec() })
    }

    /// Reads a `minisign.pub` file. Asynchronous code calls it with [`netboot_core::blocking`].
    ///
    /// # Errors
    /// [`Error::MalformedKey`]; if the file cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::parse(&netboot_core::read_regular_text(path, KEY_LIMIT)?)
    }

    /// The key in the form that `minisign -P` takes.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns true if both keys verify the same signatures, whatever their key ids are.
    pub(crate) fn is_twin(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

/// A function that takes a key also takes a reference to it.
impl From<&Self> for TrustedKey {
    fn from(key: &Self) -> Self {
        key.clone()
    }
}

impl fmt::Debug for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TrustedKey").field(&self.text).finish()
    }
}

impl fmt::Display for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// The comment that a signature protects: it names the release. It has no time, so that the files
/// of a release do not depend on the publisher.
pub(crate) fn trusted_comment(release: &ReleaseId) -> String {
    format!("netboot release {release}")
}
