//! Certificates of signers.

use std::fmt;
use std::path::Path;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use foreign_text::ForeignText;
use netboot_core::{Sha256Digest, read_regular_file};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::{Decode, Encode, Reader, SliceReader};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};

use crate::error::Error;

/// The greatest size of a file with a certificate in bytes.
const LIMIT: u64 = 64 * 1024;

/// `rsaEncryption` and `sha256WithRSAEncryption` (RFC 4055).
pub(crate) const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");

/// The extensions that Netboot observes, or that do not limit whose programs a key may sign:
/// `keyUsage`, `subjectAltName`, `basicConstraints` and `extKeyUsage`. Like firmware, Netboot takes
/// keys for each use.
const OBSERVED: [ObjectIdentifier; 4] = [
    ObjectIdentifier::new_unwrap("2.5.29.15"),
    ObjectIdentifier::new_unwrap("2.5.29.17"),
    ObjectIdentifier::new_unwrap("2.5.29.19"),
    ObjectIdentifier::new_unwrap("2.5.29.37"),
];

/// An X.509 certificate with an RSA key of at least 2048 bits, which all firmware verifies
/// (UEFI Specification 2.10, section 32.5.1).
///
/// `Debug` shows the subject and the SHA-256 digest of the certificate.
#[derive(Clone)]
pub struct Certificate {
    parsed: x509_cert::Certificate,
    der: Vec<u8>,
}

impl Certificate {
    /// Reads a file with one certificate in PEM or DER. This blocks its thread.
    ///
    /// # Errors
    /// The errors of [`parse`](Self::parse), and [`Error::Core`] if the file cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        Self::parse(path, &read_regular_file(path, LIMIT)?)
    }

    /// Reads a certificate in PEM or DER. Of several in PEM, it takes the first one. `name` names
    /// the certificate in errors.
    ///
    /// # Errors
    /// [`Error::Certificate`].
    pub fn parse(name: impl AsRef<Path>, bytes: &[u8]) -> Result<Self, Error> {
        let problem = |problem| Error::Certificate { path: name.as_ref().to_owned(), problem };
        let der = match bytes.first() {
            // A sequence, with which every certificate begins.
            Some(0x30) => bytes.to_vec(),
            _ => CertificateDer::from_pem_slice(bytes)
                .map_err(|_| problem("it has no certificate in PEM or DER"))?
                .to_vec(),
        };
        let parsed = x509_cert::Certificate::from_der(&der)
            .map_err(|_| problem("it is no X.509 certificate in DER"))?;
        Self::new(parsed, der).map_err(problem)
    }

    /// Takes a certificate that a signature has.
    pub(crate) fn included(parsed: x509_cert::Certificate) -> Option<Self> {
        let der = parsed.to_der().ok()?;
        Self::new(parsed, der).ok()
    }

    fn new(parsed: x509_cert::Certificate, der: Vec<u8>) -> Result<Self, &'static str> {
        // Signatures contain the certificate as it is written again.
        if parsed.to_der().ok().as_ref() != Some(&der) {
            return Err("it is not in DER");
        }
        let certificate = Self { parsed, der };
        let key = &certificate.parsed.tbs_certificate.subject_public_key_info;
        if key.algorithm.oid != RSA {
            return Err("its key is not an RSA key");
        }
        if !certificate.key_bits().is_some_and(|bits| (2048..=8192).contains(&bits)) {
            return Err("its RSA key has not from 2048 to 8192 bits");
        }
        Ok(certificate)
    }

    /// The certificate in DER.
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The SHA-256 digest of the certificate in DER.
    pub fn sha256(&self) -> Sha256Digest {
        Sha256Digest::of(&self.der)
    }

    /// The subject's name (RFC 4514), such as `CN=netboot db`.
    pub fn subject(&self) -> ForeignText {
        ForeignText::line(self.parsed.tbs_certificate.subject.to_string())
    }

    pub(crate) fn parsed(&self) -> &x509_cert::Certificate {
        &self.parsed
    }

    /// The public key in DER: a sequence of the modulus and the exponent (RFC 8017, section A.1.1).
    fn key(&self) -> Option<&[u8]> {
        self.parsed.tbs_certificate.subject_public_key_info.subject_public_key.as_bytes()
    }

    /// The number of bits of the key's modulus.
    fn key_bits(&self) -> Option<usize> {
        let mut reader = SliceReader::new(self.key()?).ok()?;
        let modulus = reader.sequence(|reader| {
            let modulus = UintRef::decode(reader)?;
            UintRef::decode(reader)?;
            Ok(modulus)
        });
        let modulus = modulus.ok()?;
        let (first, _) = modulus.as_bytes().split_first()?;
        Some(modulus.as_bytes().len() * 8 - first.leading_zeros() as usize)
    }

    /// Returns true if this certificate's key made the signature: RSA with PKCS #1 v1.5 and
    /// SHA-256.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = self.key().map(|key| {
            let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
            key.verify(message, signature)
        });
        matches!(verified, Some(Ok(())))
    }

    /// Returns true if every critical extension is one that Netboot observes. A certificate with
    /// another one must be refused (RFC 5280, section 4.2).
    pub(crate) fn is_understood(&self) -> bool {
        let extensions = self.parsed.tbs_certificate.extensions.iter().flatten();
        extensions.into_iter().all(|it| !it.critical || OBSERVED.contains(&it.extn_id))
    }

    /// Returns true if `other` names this certificate's subject as its issuer.
    pub(crate) fn is_named_issuer(&self, other: &Self) -> bool {
        self.parsed.tbs_certificate.subject == other.parsed.tbs_certificate.issuer
    }

    /// Returns true if this certificate is one of an authority that issued `other`, below which
    /// `depth` more authorities stand (RFC 5280, section 6.1.4).
    pub(crate) fn has_issued(&self, other: &Self, depth: usize) -> bool {
        let (own, tbs) = (&self.parsed.tbs_certificate, &other.parsed.tbs_certificate);
        let allows = |path_length: u8| depth <= usize::from(path_length);
        let may_issue = match own.get::<BasicConstraints>() {
            Ok(Some((_, it))) => it.ca && it.path_len_constraint.is_none_or(allows),
            _ => false,
        };
        let may_sign = match own.get::<KeyUsage>() {
            Ok(usage) => usage.is_none_or(|(_, it)| it.key_cert_sign()),
            Err(_) => false,
        };
        let (Ok(message), Some(signature)) = (tbs.to_der(), other.parsed.signature.as_bytes())
        else {
            return false;
        };
        may_issue
            && may_sign
            && self.is_named_issuer(other)
            && other.parsed.signature_algorithm.oid == RSA_WITH_SHA256
            && tbs.signature == other.parsed.signature_algorithm
            && self.has_signed(&message, signature)
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.subject())
            .field("sha256", &self.sha256())
            .finish_non_exhaustive()
    }
}
