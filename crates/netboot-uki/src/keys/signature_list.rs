//! The lists of certificates in the variables of Secure Boot.

use uuid::{Uuid, uuid};

use crate::certificate::Certificate;

/// `EFI_CERT_X509_GUID`.
const X509: Uuid = uuid!("a5c059a1-94e4-4aa7-87b5-ab155c2bf072");

/// The length of the heads of a list and of the owner before a certificate, in bytes.
const LIST_HEAD: usize = 28;
const OWNER: usize = 16;

/// Certificates in the format of a variable of Secure Boot (`EFI_SIGNATURE_LIST`; UEFI
/// Specification 2.10, section 32.4.1), and of files that end in `.esl`. Each certificate is in a
/// list of its own, because the entries of one list have one length.
///
/// It has at least one certificate: a signed value without any would delete the variable, and
/// firmware without `PK` takes keys from everybody.
///
/// ```no_run
/// use netboot_uki::{Certificate, SignatureList};
/// use uuid::uuid;
///
/// let owner = uuid!("5b1f2d83-0a4e-4c8e-9a4e-1f6f0b6f9f11");
/// let list = SignatureList::new(owner, &Certificate::read("db.crt")?)
///     .with_certificate(owner, &Certificate::read("next-db.crt")?);
/// std::fs::write("db.esl", list.as_bytes())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureList {
    bytes: Vec<u8>,
    count: usize,
}

impl SignatureList {
    /// Lists one certificate. `owner` tells programs that edit the list whose entry this is.
    pub fn new(owner: Uuid, certificate: &Certificate) -> Self {
        Self { bytes: Vec::new(), count: 0 }.with_certificate(owner, certificate)
    }

    /// Adds a certificate, for example the one of the next key.
    #[must_use]
    pub fn with_certificate(mut self, owner: Uuid, certificate: &Certificate) -> Self {
        let der = certificate.as_der();
        // A certificate is read from a file of at most 64 KiB.
        let size = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        self.bytes.extend(X509.to_bytes_le());
        self.bytes.extend(size(LIST_HEAD + OWNER + der.len()));
        self.bytes.extend(size(0));
        self.bytes.extend(size(OWNER + der.len()));
        self.bytes.extend(owner.to_bytes_le());
        self.bytes.extend(der);
        self.count += 1;
        self
    }

    /// The number of certificates.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The bytes of the variable.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}
