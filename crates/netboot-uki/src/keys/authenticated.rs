//! Values of variables that are signed by those who may set them.

use std::time::SystemTime;

use cms::signed_data::EncapsulatedContentInfo;
use netboot_core::Context;
use uuid::{Uuid, uuid};
use x509_cert::der::Encode;
use x509_cert::der::asn1::ObjectIdentifier;

use crate::authenticode::signed_data::signed_data;
use crate::error::Error;
use crate::keys::efi_time::{efi_time, utc};
use crate::keys::signature_list::SignatureList;
use crate::keys::variable::SecureBootVariable;
use crate::signer::pe_signer::{PeSigner, checked_signature};

/// The attributes of the variables of Secure Boot: non-volatile, for the boot services, for the
/// system, and authenticated by time (UEFI Specification 2.10, section 8.2.1).
const ATTRIBUTES: u32 = 0x27;

/// `EFI_CERT_TYPE_PKCS7_GUID`.
const PKCS7: Uuid = uuid!("4aafd29d-68df-49ee-8aa9-347d375665a7");

/// `WIN_CERT_REVISION` and `WIN_CERT_TYPE_EFI_GUID`.
const EFI_GUID: [u8; 4] = [0x00, 0x02, 0xf1, 0x0e];

/// `id-data` (RFC 5652).
const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");

/// Signs the value of a variable, and returns what firmware takes as its new value
/// (`EFI_VARIABLE_AUTHENTICATION_2`; UEFI Specification 2.10, section 8.2.2), and what files that
/// end in `.auth` contain.
///
/// The platform key signs `PK` and `KEK`, and a key of `KEK` signs `db`. Firmware takes a value
/// only if `time` is after the one of the value that it has. Equal inputs give equal bytes.
///
/// # Errors
/// [`Error::PlatformKeys`] for a `PK` of several certificates, [`Error::Time`],
/// [`Error::WrongSignature`], [`Error::Encode`], and the errors of [`PeSigner::sign`].
pub async fn sign_variable(
    variable: SecureBootVariable,
    value: &SignatureList,
    time: SystemTime,
    signer: &dyn PeSigner,
    context: &Context,
) -> Result<Vec<u8>, Error> {
    // Firmware refuses another number (`CheckSignatureListFormat` of EDK II's `AuthVariableLib`).
    if variable == SecureBootVariable::PlatformKey && value.count() != 1 {
        return Err(Error::PlatformKeys { count: value.count() });
    }
    let time = efi_time(utc(time)?)?;
    // The name without a NUL, the vendor, the attributes, the time and the value.
    let mut message: Vec<u8> =
        variable.as_str().encode_utf16().flat_map(u16::to_le_bytes).collect();
    message.extend(variable.vendor().to_bytes_le());
    message.extend(ATTRIBUTES.to_le_bytes());
    message.extend(time);
    message.extend(value.as_bytes());
    let signature = checked_signature(signer, &message, context).await?;
    // The content is left out, and nothing else is signed.
    let absent = EncapsulatedContentInfo { econtent_type: DATA, econtent: None };
    let certificates: Vec<_> = [signer.certificate()].into_iter().chain(signer.chain()).collect();
    let made = signed_data(absent, &certificates, None, signature);
    let made = made.and_then(|made| made.to_der()).map_err(Error::encode)?;
    let length = u32::try_from(24 + made.len()).unwrap_or(u32::MAX);
    let mut bytes = time.to_vec();
    bytes.extend(length.to_le_bytes());
    bytes.extend(EFI_GUID);
    bytes.extend(PKCS7.to_bytes_le());
    bytes.extend(made);
    bytes.extend(value.as_bytes());
    Ok(bytes)
}
