//! A private key in a file.

use std::fmt;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use netboot_core::{Context, open_regular_file};
use rustix::process::geteuid;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use zeroize::Zeroizing;

use crate::certificate::Certificate;
use crate::error::Error;
use crate::signer::chain::checked;
use crate::signer::pe_signer::PeSigner;

/// The greatest size of a key file in bytes.
const LIMIT: u64 = 64 * 1024;

/// The permissions of a file's group and of other users.
const OTHERS: u32 = 0o077;

/// An RSA key from a file in PEM, and its certificate from one in PEM or DER. The key is in memory
/// as long as this value is.
///
/// `openssl genpkey -algorithm RSA` writes such a key, and [`TestKeys`](crate::TestKeys) makes
/// keys for tests. `Debug` shows the certificate only.
pub struct KeyFile {
    key: RsaKeyPair,
    certificate: Certificate,
    chain: Vec<Certificate>,
}

impl KeyFile {
    /// Reads a private key (PKCS #8 or PKCS #1, without a passphrase) and its certificate. Only
    /// the owner of the key's file may be able to read it, who is the user of this process or
    /// `root`. This blocks its thread.
    ///
    /// # Errors
    /// [`Error::ExposedKey`] if others can read the key, [`Error::ForeignKey`] if it belongs to
    /// another user, [`Error::LockedKey`] if it has a passphrase, [`Error::Key`] if it is no key of
    /// the certificate, [`Error::Certificate`], and [`Error::Core`] or [`Error::Io`] if a file
    /// cannot be read.
    pub fn read(key: impl AsRef<Path>, certificate: impl AsRef<Path>) -> Result<Self, Error> {
        let path = key.as_ref();
        let failed = |source| Error::Io { action: "read", path: path.to_owned(), source };
        let file = open_regular_file(path)?;
        let metadata = file.metadata().map_err(failed)?;
        // The owner can give the file other permissions at any time.
        if metadata.uid() != 0 && metadata.uid() != geteuid().as_raw() {
            return Err(Error::ForeignKey { path: path.to_owned() });
        }
        if metadata.permissions().mode() & OTHERS != 0 {
            return Err(Error::ExposedKey { path: path.to_owned() });
        }
        let mut pem = Zeroizing::new(Vec::with_capacity(8 * 1024));
        file.take(LIMIT).read_to_end(&mut pem).map_err(failed)?;
        Self::parse(path, &pem, Certificate::read(certificate)?)
    }

    /// Takes a private key in PEM, as [`read`](Self::read) does. `name` names it in errors.
    ///
    /// # Errors
    /// [`Error::Key`], and [`Error::LockedKey`] if it has a passphrase.
    pub fn parse(
        name: impl AsRef<Path>,
        pem: &[u8],
        certificate: Certificate,
    ) -> Result<Self, Error> {
        let path: PathBuf = name.as_ref().to_owned();
        let problem = |problem| Error::Key { path: path.clone(), problem };
        let is_encrypted = |marker: &[u8]| pem.windows(marker.len()).any(|it| it == marker);
        if is_encrypted(b"ENCRYPTED") {
            return Err(Error::LockedKey { path });
        }
        let key = PrivateKeyDer::from_pem_slice(pem)
            .map_err(|_| problem("it has no private key in PEM"))?;
        let key = Zeroizing::new(key);
        let key = match &*key {
            PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
            _ => return Err(problem("it is not an RSA key")),
        };
        let key = key.map_err(|_| problem("it is not an RSA key from 2048 to 8192 bits"))?;
        let info = &certificate.parsed().tbs_certificate.subject_public_key_info;
        if info.subject_public_key.as_bytes() != Some(key.public_key().as_ref()) {
            return Err(problem("it is not the key of the certificate"));
        }
        Ok(Self { key, certificate, chain: Vec::new() })
    }

    /// Sets the certificates of [`PeSigner::chain`]. The signer's own one is left out, so that this
    /// takes a whole chain too.
    ///
    /// # Errors
    /// [`Error::Chain`] if they are more than 8, or not in their order: each one is the issuer of
    /// the one before.
    pub fn with_chain(
        mut self,
        chain: impl IntoIterator<Item = Certificate>,
    ) -> Result<Self, Error> {
        self.chain = checked(&self.certificate, chain)?;
        Ok(self)
    }
}

#[async_trait]
impl PeSigner for KeyFile {
    fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    async fn sign(&self, message: &[u8], _: &Context) -> Result<Vec<u8>, Error> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        let random = SystemRandom::new();
        let signed = self.key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature);
        let wrong = |_| Error::WrongSignature { subject: self.certificate.subject() };
        signed.map(|()| signature).map_err(wrong)
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}
