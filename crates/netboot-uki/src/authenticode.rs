//! Signatures of EFI programs (Microsoft's "Windows Authenticode Portable Executable Signature
//! Format").

pub(crate) mod create;
pub(crate) mod signed_data;
pub(crate) mod table;
pub(crate) mod verify;

use x509_cert::der::asn1::ObjectIdentifier;

/// `SPC_PE_IMAGE_DATAOBJ`, the kind of data that a program is.
const PE_IMAGE_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.15");

/// The attributes `contentType` and `messageDigest` (RFC 5652, section 11).
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");

/// `id-sha256` (RFC 5754).
pub(crate) const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
