//! Signatures of manifests: who signs, whom one trusts, what can be wrong.

#[cfg(feature = "minisign")]
pub(crate) mod minisign_key;
pub(crate) mod problem;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use minisign_verify::{PublicKey, Signature};
use netboot_core::ReleaseId;

use crate::error::Error;
use crate::signature::problem::SignatureProblem;

/// Signs manifests: a key in a file (`MinisignKey` of the feature `minisign`), or a caller's own way
/// to a key that never leaves its hardware.
///
/// A manifest has the size and digest of everything that a release consists of, so its signature
/// covers kernels, initrds, scripts, entry points and logs.
///
/// # Contract
/// `sign` gives a signature file as minisign writes it (prehashed, `ED`), over exactly these bytes
/// and with this trusted comment, which [`public_key`](Self::public_key) verifies. It may be
/// slow, and is called once for each manifest that is not signed yet. The secret is in no error,
/// and in no `Debug`.
///
/// ```
/// use std::fmt;
/// use netboot_core::Context;
/// use netboot_publish::{Error, MemoryStore, Publisher, Signer, TrustedKey};
/// # use netboot_publish::contract::sample_release;
///
/// /// A key in this program's memory; another would ask a token or a service.
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
///         let failed = |error| Error::io("sign", "the manifest", std::io::Error::other(error));
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
///     Publisher::new(MemoryStore::new()).with_signer(signer).with_trusted_keys([public]);
/// publisher.publish(&release, &Context::new()).await?;
/// # Ok(())
/// # }
/// ```
pub trait Signer: fmt::Debug + Send + Sync {
    /// The key that verifies what this signs.
    fn public_key(&self) -> &TrustedKey;

    /// The signature file for `manifest`.
    ///
    /// # Errors
    /// When there can be no signature: [`Error::signer`] makes one.
    fn sign(&self, manifest: &[u8], trusted_comment: &str) -> Result<String, Error>;
}

/// One signer of several publishers, such as those of several sites.
impl<S: Signer + ?Sized> Signer for Arc<S> {
    fn public_key(&self) -> &TrustedKey {
        (**self).public_key()
    }

    fn sign(&self, manifest: &[u8], trusted_comment: &str) -> Result<String, Error> {
        (**self).sign(manifest, trusted_comment)
    }
}

/// A public key of minisign that one trusts to sign releases.
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
}

impl TrustedKey {
    /// Reads the contents of a `minisign.pub`, or the one line of it that is the key.
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
        Ok(Self { key, text: line.to_owned() })
    }

    /// Reads a `minisign.pub`.
    ///
    /// # Errors
    /// [`Error::MalformedKey`]; when the file cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path);
        Self::parse(&text.map_err(|source| Error::io("read", path, source))?)
    }

    /// The key as `minisign -P` takes it.
    pub fn as_str(&self) -> &str {
        &self.text
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

/// What a signature says, under its own protection: which release it is of. Without a time, so
/// that a release has nothing in it that differs from one publisher to the next.
pub(crate) fn trusted_comment(release: &ReleaseId) -> String {
    format!("netboot release {release}")
}

/// Checks that one of `keys` signed these bytes. A signature that was made by hand has a trusted
/// comment of its own, which is as good; one that names a release has to name this.
pub(crate) fn check(
    keys: &[TrustedKey],
    release: &ReleaseId,
    manifest: &[u8],
    signature: Option<&[u8]>,
) -> Result<(), SignatureProblem> {
    let signature = signature.ok_or(SignatureProblem::Missing)?;
    let text = std::str::from_utf8(signature).map_err(|_| SignatureProblem::Malformed)?;
    let signature = Signature::decode(text).map_err(|_| SignatureProblem::Malformed)?;
    let mut problem = SignatureProblem::UntrustedKey;
    for key in keys {
        match key.key.verify(manifest, &signature, false) {
            Ok(()) => {
                let comment = signature.trusted_comment();
                let other =
                    comment.starts_with("netboot release ") && comment != trusted_comment(release);
                return if other { Err(SignatureProblem::OtherRelease) } else { Ok(()) };
            }
            Err(minisign_verify::Error::UnexpectedKeyId) => {}
            Err(minisign_verify::Error::InvalidSignature) => problem = SignatureProblem::Mismatch,
            Err(_) => problem = SignatureProblem::Malformed,
        }
    }
    Err(problem)
}
