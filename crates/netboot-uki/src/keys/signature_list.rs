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
/// ```no_run
/// use netboot_uki::{Certificate, SignatureList};
/// use uuid::uuid;
///
/// let owner = uuid!("5b1f2d83-0a4e-4c8e-9a4e-1f6f0b6f9f11");
/// let list = SignatureList::new(owner, &[Certificate::read("db.crt")?]);
/// std::fs::write("db.esl", list.as_bytes())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureList(Vec<u8>);

impl SignatureList {
    /// Lists certificates. `owner` tells programs that edit the list whose entries these are.
    pub fn new(owner: Uuid, certificates: &[Certificate]) -> Self {
        let mut bytes = Vec::new();
        for certificate in certificates {
            let der = certificate.as_der();
            // A certificate is read from a file of at most 64 KiB.
            let size = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
            bytes.extend(X509.to_bytes_le());
            bytes.extend(size(LIST_HEAD + OWNER + der.len()));
            bytes.extend(size(0));
            bytes.extend(size(OWNER + der.len()));
            bytes.extend(owner.to_bytes_le());
            bytes.extend(der);
        }
        Self(bytes)
    }

    /// The bytes of the variable.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
