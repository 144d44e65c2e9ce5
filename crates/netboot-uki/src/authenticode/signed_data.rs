//! The message in which signatures are kept: `SignedData` of PKCS #7 (RFC 2315, section 9.1).

use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::CmsVersion;
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignedAttributes, SignedData, SignerIdentifier,
    SignerInfo, SignerInfos,
};
use x509_cert::der;
use x509_cert::der::asn1::{Any, ObjectIdentifier, OctetString, SetOfVec};
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::authenticode::SHA256;
use crate::certificate::{Certificate, RSA};

/// An algorithm with the parameter NULL, as firmware expects it.
pub(crate) fn algorithm(oid: ObjectIdentifier) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid, parameters: Some(Any::null()) }
}

/// Makes the message of one signer. `certificates` begins with the signer's.
pub(crate) fn signed_data(
    content: EncapsulatedContentInfo,
    certificates: &[&Certificate],
    signed_attrs: Option<SignedAttributes>,
    signature: Vec<u8>,
) -> der::Result<SignedData> {
    let signer = certificates.first().ok_or(der::ErrorKind::Failed)?;
    let signer = &signer.parsed().tbs_certificate;
    let signer = SignerInfo {
        version: CmsVersion::V1,
        sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
            issuer: signer.issuer.clone(),
            serial_number: signer.serial_number.clone(),
        }),
        digest_alg: algorithm(SHA256),
        signed_attrs,
        signature_algorithm: algorithm(RSA),
        signature: OctetString::new(signature)?,
        unsigned_attrs: None,
    };
    let mut included = SetOfVec::new();
    for (index, certificate) in certificates.iter().enumerate() {
        // A set has each one once.
        if certificates[..index].contains(certificate) {
            continue;
        }
        included.insert(CertificateChoices::Certificate(certificate.parsed().clone()))?;
    }
    Ok(SignedData {
        version: CmsVersion::V1,
        digest_algorithms: SetOfVec::try_from(vec![algorithm(SHA256)])?,
        encap_content_info: content,
        certificates: Some(CertificateSet(included)),
        crls: None,
        signer_infos: SignerInfos(SetOfVec::try_from(vec![signer])?),
    })
}
