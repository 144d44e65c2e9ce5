//! Making the signature of a program.

use authenticode::{
    DigestInfo, SPC_INDIRECT_DATA_OBJID, SpcAttributeTypeAndOptionalValue, SpcIndirectDataContent,
};
use cms::content_info::ContentInfo;
use cms::signed_data::{EncapsulatedContentInfo, SignedAttributes};
use netboot_core::{Context, Sha256Digest};
use x509_cert::attr::Attribute;
use x509_cert::der::asn1::{Any, ObjectIdentifier, OctetString, SetOfVec};
use x509_cert::der::{self, Decode, Encode};

use crate::authenticode::signed_data::{algorithm, signed_data};
use crate::authenticode::{CONTENT_TYPE, MESSAGE_DIGEST, PE_IMAGE_DATA, SHA256};
use crate::error::Error;
use crate::signer::pe_signer::{PeSigner, checked_signature};

/// `id-signedData` (RFC 5652).
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");

/// `SpcPeImageData` without flags and with an empty name of a file, as other programs write it.
const NO_FILE: [u8; 11] = [0x30, 9, 0x03, 1, 0, 0xa0, 4, 0xa2, 2, 0x80, 0];

/// Signs the digest of a program, and returns the message in DER. It has no time, so that the
/// same inputs give the same bytes.
pub(crate) async fn create(
    digest: &Sha256Digest,
    signer: &dyn PeSigner,
    context: &Context,
) -> Result<Vec<u8>, Error> {
    let (program, attributes) = parts(digest).map_err(Error::encode)?;
    let message = attributes.to_der().map_err(Error::encode)?;
    let signature = checked_signature(signer, &message, context).await?;
    let certificates: Vec<_> = [signer.certificate()].into_iter().chain(signer.chain()).collect();
    let made = signed_data(program, &certificates, Some(attributes), signature);
    let wrap = |message| {
        let info = ContentInfo { content_type: SIGNED_DATA, content: Any::encode_from(&message)? };
        info.to_der()
    };
    made.and_then(wrap).map_err(Error::encode)
}

/// The content of the message, and the attributes that are signed.
fn parts(digest: &Sha256Digest) -> der::Result<(EncapsulatedContentInfo, SignedAttributes)> {
    let content = SpcIndirectDataContent {
        data: SpcAttributeTypeAndOptionalValue {
            value_type: PE_IMAGE_DATA,
            value: Any::from_der(&NO_FILE)?,
        },
        message_digest: DigestInfo {
            digest_algorithm: algorithm(SHA256),
            digest: OctetString::new(*digest.as_bytes())?,
        },
    };
    let content = Any::encode_from(&content)?;
    // As in PKCS #7, the digest is that of the content without its tag and its length.
    let content_digest = Sha256Digest::of(content.value());
    let attributes = [
        (CONTENT_TYPE, Any::encode_from(&SPC_INDIRECT_DATA_OBJID)?),
        (MESSAGE_DIGEST, Any::encode_from(&OctetString::new(*content_digest.as_bytes())?)?),
    ];
    let mut signed = SetOfVec::new();
    for (oid, value) in attributes {
        signed.insert(Attribute { oid, values: SetOfVec::try_from(vec![value])? })?;
    }
    let content =
        EncapsulatedContentInfo { econtent_type: SPC_INDIRECT_DATA_OBJID, econtent: Some(content) };
    Ok((content, signed))
}
